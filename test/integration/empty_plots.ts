// Finds plots of the page that show nothing and say nothing, as JavaScript to be run in the page.

/** The pixels of a canvas, read without slowing down the canvas itself. */
export const COPY_OF = `const copyOf = (canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height)
      .getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return copy;
  };`;

/**
 * Names of the plots in sight of which nothing is seen and nothing is said. What is drawn in colour, hatching among it,
 * counts; grids and labels are grey.
 */
export const EMPTY = `(() => {
  ${COPY_OF}
  const empty = [];
  for (const plot of document.querySelectorAll(".plot")) {
    const box = plot.getBoundingClientRect();
    if (box.bottom < 100 || box.top > innerHeight - 40) continue;
    const canvas = plot.querySelector("canvas");
    if (!plot.querySelector(".refusal").hidden) continue;
    const { width, height } = canvas;
    const left = Math.round(70 * devicePixelRatio);
    const { data } = copyOf(canvas).getImageData(left, 0, width - left, height);
    let coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = [data[i], data[i + 1], data[i + 2], data[i + 3]];
      const isColour = Math.max(r, g, b) - Math.min(r, g, b) > 40;
      // A spectrogram's silence is nearly black.
      if (a > 100 && (isColour || r + g + b < 60)) coloured++;
    }
    const says = plot.querySelector("output").textContent;
    if (coloured < 30 && !/constant|waiting/.test(says)) {
      empty.push(plot.dataset.kind + " " + plot.dataset.name + " " + coloured + " " + says);
    }
  }
  const axis = document.querySelector("#axis canvas");
  const { data } = copyOf(axis).getImageData(0, 0, axis.width, axis.height);
  if (!data.some((v, i) => i % 4 === 3 && v > 100)) empty.push("time axis");
  return empty;
})()`;

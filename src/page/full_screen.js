// Full screen: one plot, or the whole page.

/** @param {Element} element */
export async function toggleFullScreen(element) {
  if (document.fullscreenElement) return await document.exitFullscreen();
  await element.requestFullscreen();
}

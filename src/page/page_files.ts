// deno-lint-ignore-file qanat/file-length -- a table of files
// The files of the page, as text in memory: its own, and the libraries that scripts/make_libraries.ts writes.
// Invariant: they need no permission to read (text imports are part of the module graph) and load nothing from other hosts.
import uplotCss from "./lib/uplot.css" with { type: "text" };
import uplot from "./lib/uplot.js" with { type: "text" };
import flechette from "./lib/flechette.js" with { type: "text" };
import parquet from "./lib/parquet.js" with { type: "text" };
import parser from "./lib/parser.js" with { type: "text" };
import fourier from "./lib/fourier.js" with { type: "text" };
import licences from "./lib/licences.txt" with { type: "text" };
import html from "./page.html" with { type: "text" };
import css from "./page.css" with { type: "text" };
import touchCss from "./touch.css" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import types from "./qanat.d.ts" with { type: "text" };
import actions from "./actions.js" with { type: "text" };
import address from "./address.js" with { type: "text" };
import axisText from "./axis_text.js" with { type: "text" };
import bearer from "./bearer.js" with { type: "text" };
import between from "./between.js" with { type: "text" };
import betweenLine from "./between_line.js" with { type: "text" };
import binTrace from "./bin_trace.js" with { type: "text" };
import channelBook from "./channel_book.js" with { type: "text" };
import channelColours from "./channel_colours.js" with { type: "text" };
import channelLines from "./channel_lines.js" with { type: "text" };
import channelCard from "./channel_card.js" with { type: "text" };
import channelFacts from "./channel_facts.js" with { type: "text" };
import channelNote from "./channel_note.js" with { type: "text" };
import checkedSpans from "./checked_spans.js" with { type: "text" };
import clock from "./clock.js" with { type: "text" };
import closeUp from "./close_up.js" with { type: "text" };
import closeUpPlace from "./close_up_place.js" with { type: "text" };
import closeUpLines from "./close_up_lines.js" with { type: "text" };
import colourBar from "./colour_bar.js" with { type: "text" };
import columnStrip from "./column_strip.js" with { type: "text" };
import copyAs from "./copy_as.js" with { type: "text" };
import copyTexts from "./copy_texts.js" with { type: "text" };
import crossings from "./crossings.js" with { type: "text" };
import cursorLines from "./cursor_lines.js" with { type: "text" };
import cursors from "./cursors.js" with { type: "text" };
import dataAge from "./data_age.js" with { type: "text" };
import dom from "./dom.js" with { type: "text" };
import download from "./download.js" with { type: "text" };
import downloadFiles from "./download_files.js" with { type: "text" };
import drawing from "./drawing.js" with { type: "text" };
import envelope from "./envelope.js" with { type: "text" };
import eventReader from "./event_reader.js" with { type: "text" };
import eventStream from "./event_stream.js" with { type: "text" };
import feed from "./feed.js" with { type: "text" };
import fft from "./fft.js" with { type: "text" };
import feedView from "./feed_view.js" with { type: "text" };
import finder from "./finder.js" with { type: "text" };
import frequencyPlot from "./frequency_plot.js" with { type: "text" };
import fullScreen from "./full_screen.js" with { type: "text" };
import gapWords from "./gap_words.js" with { type: "text" };
import goTo from "./go_to.js" with { type: "text" };
import hatching from "./hatching.js" with { type: "text" };
import historyReader from "./history_reader.js" with { type: "text" };
import hub from "./hub.js" with { type: "text" };
import hubLink from "./hub_link.js" with { type: "text" };
import hubWorker from "./hub_worker.js" with { type: "text" };
import int64Samples from "./int64_samples.js" with { type: "text" };
import keys from "./keys.js" with { type: "text" };
import known from "./known.js" with { type: "text" };
import labels from "./labels.js" with { type: "text" };
import lane from "./lane.js" with { type: "text" };
import layout from "./layout.js" with { type: "text" };
import layoutActions from "./layout_actions.js" with { type: "text" };
import layoutFile from "./layout_file.js" with { type: "text" };
import layoutList from "./layout_list.js" with { type: "text" };
import layoutStore from "./layout_store.js" with { type: "text" };
import layoutsDialog from "./layouts_dialog.js" with { type: "text" };
import leapSeconds from "./leap_seconds.js" with { type: "text" };
import legend from "./legend.js" with { type: "text" };
import levels from "./levels.js" with { type: "text" };
import limitAnnouncer from "./limit_announcer.js" with { type: "text" };
import limitChip from "./limit_chip.js" with { type: "text" };
import limitLines from "./limit_lines.js" with { type: "text" };
import limitSpan from "./limit_span.js" with { type: "text" };
import limitState from "./limit_state.js" with { type: "text" };
import limitWatch from "./limit_watch.js" with { type: "text" };
import limitWords from "./limit_words.js" with { type: "text" };
import limitsDialog from "./limits_dialog.js" with { type: "text" };
import loading from "./loading.js" with { type: "text" };
import logScale from "./log_scale.js" with { type: "text" };
import main from "./main.js" with { type: "text" };
import loudest from "./loudest.js" with { type: "text" };
import loudestBins from "./loudest_bins.js" with { type: "text" };
import navigation from "./navigation.js" with { type: "text" };
import operator from "./operator.js" with { type: "text" };
import operatorFigures from "./operator_figures.js" with { type: "text" };
import operatorPlot from "./operator_plot.js" with { type: "text" };
import page from "./page.js" with { type: "text" };
import parquetFile from "./parquet_file.js" with { type: "text" };
import partitionTable from "./partition_table.js" with { type: "text" };
import pendingText from "./pending_text.js" with { type: "text" };
import pictures from "./pictures.js" with { type: "text" };
import playback from "./playback.js" with { type: "text" };
import plotActions from "./plot_actions.js" with { type: "text" };
import plotCard from "./plot_card.js" with { type: "text" };
import plotGrid from "./plot_grid.js" with { type: "text" };
import plotGestures from "./plot_gestures.js" with { type: "text" };
import plotList from "./plot_list.js" with { type: "text" };
import plotHeading from "./plot_heading.js" with { type: "text" };
import plotPaths from "./plot_paths.js" with { type: "text" };
import plotSpec from "./plot_spec.js" with { type: "text" };
import plotTarget from "./plot_target.js" with { type: "text" };
import plotOptions from "./plot_options.js" with { type: "text" };
import plotTools from "./plot_tools.js" with { type: "text" };
import port from "./port.js" with { type: "text" };
import qanat from "./qanat.js" with { type: "text" };
import quoting from "./quoting.js" with { type: "text" };
import rows from "./rows.js" with { type: "text" };
import samples from "./samples.js" with { type: "text" };
import segmentAverage from "./segment_average.js" with { type: "text" };
import series from "./series.js" with { type: "text" };
import seriesColours from "./series_colours.js" with { type: "text" };
import sampleBins from "./sample_bins.js" with { type: "text" };
import sampleTrace from "./sample_trace.js" with { type: "text" };
import seriesPlot from "./series_plot.js" with { type: "text" };
import serverTime from "./server_time.js" with { type: "text" };
import sharedAxis from "./shared_axis.js" with { type: "text" };
import signIn from "./sign_in.js" with { type: "text" };
import silenceTimer from "./silence_timer.js" with { type: "text" };
import slide from "./slide.js" with { type: "text" };
import spanSelect from "./span_select.js" with { type: "text" };
import spans from "./spans.js" with { type: "text" };
import spectra from "./spectra.js" with { type: "text" };
import spectralContents from "./spectral_contents.js" with { type: "text" };
import spectralDialog from "./spectral_dialog.js" with { type: "text" };
import spectralLine from "./spectral_line.js" with { type: "text" };
import spectralMean from "./spectral_mean.js" with { type: "text" };
import spectralOptions from "./spectral_options.js" with { type: "text" };
import spectralPlot from "./spectral_plot.js" with { type: "text" };
import spectralScales from "./spectral_scales.js" with { type: "text" };
import spectralUnits from "./spectral_units.js" with { type: "text" };
import spectralWindows from "./spectral_windows.js" with { type: "text" };
import spectrogram from "./spectrogram.js" with { type: "text" };
import spectrogramColumns from "./spectrogram_columns.js" with { type: "text" };
import spectrogramPalette from "./spectrogram_palette.js" with { type: "text" };
import statusLine from "./status_line.js" with { type: "text" };
import strideLane from "./stride_lane.js" with { type: "text" };
import theme from "./theme.js" with { type: "text" };
import timeAxis from "./time_axis.js" with { type: "text" };
import timeInput from "./time_input.js" with { type: "text" };
import timePlot from "./time_plot.js" with { type: "text" };
import trendChoice from "./trend_choice.js" with { type: "text" };
import trigger from "./trigger.js" with { type: "text" };
import triggerBar from "./trigger_bar.js" with { type: "text" };
import triggerEdges from "./trigger_edges.js" with { type: "text" };
import triggerForm from "./trigger_form.js" with { type: "text" };
import triggerPlace from "./trigger_place.js" with { type: "text" };
import triggerSpec from "./trigger_spec.js" with { type: "text" };
import triggerWords from "./trigger_words.js" with { type: "text" };
import unrecorded from "./unrecorded.js" with { type: "text" };
import valueAxis from "./value_axis.js" with { type: "text" };
import valueScale from "./value_scale.js" with { type: "text" };
import view from "./view.js" with { type: "text" };
import watching from "./watching.js" with { type: "text" };
import viewAtStart from "./view_at_start.js" with { type: "text" };
import yAxis from "./y_axis.js" with { type: "text" };

/** One file of the page. */
export interface PageFile {
  readonly text: string;
  readonly type: string;
}

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  ts: "text/plain; charset=utf-8",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
};

/** The file that a browser loads for the name of a package. */
const PACKAGES: Record<string, string> = {
  "uplot": "uplot.js",
  "@uwdata/flechette": "flechette.js",
  "fourier-transform": "fourier.js",
  "hyparquet-writer": "parquet.js",
  "eventsource-parser": "parser.js",
};

const MODULES: Record<string, string> = {
  "actions.js": actions,
  "address.js": address,
  "axis_text.js": axisText,
  "bearer.js": bearer,
  "between.js": between,
  "between_line.js": betweenLine,
  "bin_trace.js": binTrace,
  "channel_book.js": channelBook,
  "channel_colours.js": channelColours,
  "channel_lines.js": channelLines,
  "channel_card.js": channelCard,
  "channel_facts.js": channelFacts,
  "channel_note.js": channelNote,
  "checked_spans.js": checkedSpans,
  "clock.js": clock,
  "close_up.js": closeUp,
  "close_up_lines.js": closeUpLines,
  "close_up_place.js": closeUpPlace,
  "colour_bar.js": colourBar,
  "column_strip.js": columnStrip,
  "copy_as.js": copyAs,
  "copy_texts.js": copyTexts,
  "crossings.js": crossings,
  "cursor_lines.js": cursorLines,
  "cursors.js": cursors,
  "data_age.js": dataAge,
  "dom.js": dom,
  "download.js": download,
  "download_files.js": downloadFiles,
  "drawing.js": drawing,
  "envelope.js": envelope,
  "event_reader.js": eventReader,
  "event_stream.js": eventStream,
  "feed.js": feed,
  "feed_view.js": feedView,
  "fft.js": fft,
  "finder.js": finder,
  "frequency_plot.js": frequencyPlot,
  "full_screen.js": fullScreen,
  "gap_words.js": gapWords,
  "go_to.js": goTo,
  "hatching.js": hatching,
  "history_reader.js": historyReader,
  "hub.js": hub,
  "hub_link.js": hubLink,
  "hub_worker.js": hubWorker,
  "int64_samples.js": int64Samples,
  "keys.js": keys,
  "known.js": known,
  "labels.js": labels,
  "lane.js": lane,
  "layout.js": layout,
  "layout_actions.js": layoutActions,
  "layout_file.js": layoutFile,
  "layout_list.js": layoutList,
  "layout_store.js": layoutStore,
  "layouts_dialog.js": layoutsDialog,
  "leap_seconds.js": leapSeconds,
  "legend.js": legend,
  "levels.js": levels,
  "limit_announcer.js": limitAnnouncer,
  "limit_chip.js": limitChip,
  "limit_lines.js": limitLines,
  "limit_span.js": limitSpan,
  "limit_state.js": limitState,
  "limit_watch.js": limitWatch,
  "limit_words.js": limitWords,
  "limits_dialog.js": limitsDialog,
  "loading.js": loading,
  "log_scale.js": logScale,
  "main.js": main,
  "loudest.js": loudest,
  "loudest_bins.js": loudestBins,
  "navigation.js": navigation,
  "operator.js": operator,
  "operator_figures.js": operatorFigures,
  "operator_plot.js": operatorPlot,
  "page.js": page,
  "parquet_file.js": parquetFile,
  "partition_table.js": partitionTable,
  "pending_text.js": pendingText,
  "pictures.js": pictures,
  "playback.js": playback,
  "plot_actions.js": plotActions,
  "plot_card.js": plotCard,
  "plot_grid.js": plotGrid,
  "plot_gestures.js": plotGestures,
  "plot_list.js": plotList,
  "plot_heading.js": plotHeading,
  "plot_paths.js": plotPaths,
  "plot_spec.js": plotSpec,
  "plot_target.js": plotTarget,
  "plot_options.js": plotOptions,
  "plot_tools.js": plotTools,
  "port.js": port,
  "qanat.js": qanat,
  "quoting.js": quoting,
  "rows.js": rows,
  "samples.js": samples,
  "segment_average.js": segmentAverage,
  "series.js": series,
  "series_colours.js": seriesColours,
  "sample_bins.js": sampleBins,
  "sample_trace.js": sampleTrace,
  "series_plot.js": seriesPlot,
  "server_time.js": serverTime,
  "shared_axis.js": sharedAxis,
  "sign_in.js": signIn,
  "silence_timer.js": silenceTimer,
  "slide.js": slide,
  "span_select.js": spanSelect,
  "spans.js": spans,
  "spectra.js": spectra,
  "spectral_contents.js": spectralContents,
  "spectral_dialog.js": spectralDialog,
  "spectral_line.js": spectralLine,
  "spectral_mean.js": spectralMean,
  "spectral_options.js": spectralOptions,
  "spectral_plot.js": spectralPlot,
  "spectral_scales.js": spectralScales,
  "spectral_units.js": spectralUnits,
  "spectral_windows.js": spectralWindows,
  "spectrogram.js": spectrogram,
  "spectrogram_columns.js": spectrogramColumns,
  "spectrogram_palette.js": spectrogramPalette,
  "status_line.js": statusLine,
  "stride_lane.js": strideLane,
  "theme.js": theme,
  "time_axis.js": timeAxis,
  "time_input.js": timeInput,
  "time_plot.js": timePlot,
  "trend_choice.js": trendChoice,
  "trigger.js": trigger,
  "trigger_bar.js": triggerBar,
  "trigger_edges.js": triggerEdges,
  "trigger_form.js": triggerForm,
  "trigger_place.js": triggerPlace,
  "trigger_spec.js": triggerSpec,
  "trigger_words.js": triggerWords,
  "unrecorded.js": unrecorded,
  "value_axis.js": valueAxis,
  "value_scale.js": valueScale,
  "view.js": view,
  "watching.js": watching,
  "view_at_start.js": viewAtStart,
  "y_axis.js": yAxis,
};

/** All files by their name; the page itself is page.html, and the others are served under page/. */
export const PAGE_FILES: ReadonlyMap<string, PageFile> = new Map(
  Object.entries({
    "page.html": html,
    "page.css": css,
    "touch.css": touchCss,
    "icon.svg": icon,
    "qanat.d.ts": types,
    ...Object.fromEntries(
      Object.entries(MODULES).map(([name, text]) => [name, withPaths(text)]),
    ),
    "uplot.css": uplotCss,
    "uplot.js": uplot,
    "flechette.js": flechette,
    "fourier.js": fourier,
    "parquet.js": parquet,
    "parser.js": parser,
    "licences.txt": licences,
  }).map(([name, text]) => {
    const ending = name.slice(name.lastIndexOf(".") + 1);
    return [name, { text, type: TYPES[ending]! }];
  }),
);

/** Replaces names of packages by paths: the CSP forbids the import map that a browser needs for names. */
function withPaths(text: string): string {
  return text.replace(
    /from "([^".][^"]*)"/g,
    (whole, name) => PACKAGES[name] ? `from "./${PACKAGES[name]}"` : whole,
  );
}

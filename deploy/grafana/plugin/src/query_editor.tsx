// One query of a panel: its channels, whether they continue live, and the number that is drawn of a bin.
import * as React from "react";
import type { QueryEditorProps, SelectableValue } from "@grafana/data";
import {
  AsyncMultiSelect,
  InlineField,
  InlineSwitch,
  Select,
} from "@grafana/ui";
import type { QanatDataSource } from "./datasource.js";
import type { QanatQuery, QanatSettings, Statistic } from "./types.js";

type Props = QueryEditorProps<QanatDataSource, QanatQuery, QanatSettings>;

const STATISTICS: { label: string; value: Statistic }[] = [
  { label: "Mean", value: "mean" },
  { label: "Minimum", value: "min" },
  { label: "Maximum", value: "max" },
  { label: "Mean, minimum and maximum", value: "band" },
];

export function QueryEditor(
  { datasource, query, onChange, onRunQuery }: Props,
) {
  const set = (change: Partial<QanatQuery>) => {
    onChange({ ...query, ...change });
    onRunQuery();
  };
  return (
    <>
      <InlineField label="Channels" labelWidth={14} grow>
        <AsyncMultiSelect<string>
          inputId={`qanat-channels-${query.refId}`}
          defaultOptions
          allowCustomValue
          loadOptions={(text) => optionsFor(datasource, text)}
          value={(query.channels ?? []).map((name) => ({
            label: name,
            value: name,
          }))}
          placeholder="A part of a name, or a $variable"
          onChange={(chosen) =>
            set({ channels: chosen.map(({ value }) => value!) })}
        />
      </InlineField>
      <InlineField
        label="Live"
        labelWidth={14}
        tooltip="Rows continue to come after the range, as soon as they are there"
      >
        <InlineSwitch
          id={`qanat-live-${query.refId}`}
          value={query.isLive ?? false}
          onChange={(event) => set({ isLive: event.currentTarget.checked })}
        />
      </InlineField>
      <InlineField
        label="Of trends"
        labelWidth={14}
        tooltip="Long ranges are drawn as bins of 1, 10 or 60 s"
      >
        <Select
          inputId={`qanat-statistic-${query.refId}`}
          width={32}
          options={STATISTICS}
          value={query.statistic ?? "mean"}
          onChange={({ value }) => set({ statistic: value! })}
        />
      </InlineField>
    </>
  );
}

/** The channels that a text finds, with what is known of them. */
async function optionsFor(
  { api }: QanatDataSource,
  text: string,
): Promise<SelectableValue<string>[]> {
  const channels = await api.search(text);
  return channels.map(({ name, sample_rate, unit, description }) => ({
    label: name,
    value: name,
    description: [description, `${sample_rate} Hz`, unit].filter(Boolean)
      .join(", "),
  }));
}

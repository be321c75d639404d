// The settings of the data source: where Qanat is, who connects to it, and the token.
import * as React from "react";
import type { DataSourcePluginOptionsEditorProps } from "@grafana/data";
import { InlineField, Input, RadioButtonGroup, SecretInput } from "@grafana/ui";
import { type QanatSecrets, type QanatSettings, SAMPLES_MAX } from "./types.js";

type Props = DataSourcePluginOptionsEditorProps<QanatSettings, QanatSecrets>;

const LABEL_WIDTH = 22;
const FIELD_WIDTH = 48;
const ACCESS = [
  { label: "Server", value: "proxy" as const },
  { label: "Browser", value: "direct" as const },
];

export function ConfigEditor(props: Props) {
  return (
    <>
      <Address {...props} />
      <Token {...props} />
      <LiveSamples {...props} />
    </>
  );
}

function Address({ options, onOptionsChange }: Props) {
  const { url, access } = options;
  return (
    <>
      <InlineField
        label="URL"
        labelWidth={LABEL_WIDTH}
        tooltip="Address of Qanat, without /v1"
      >
        <Input
          id="qanat-url"
          width={FIELD_WIDTH}
          value={url}
          placeholder="http://127.0.0.1:8080"
          onChange={(event) =>
            onOptionsChange({
              ...options,
              url: event.currentTarget.value.trim(),
            })}
          // Grafana puts /v1 behind it as it is.
          onBlur={() =>
            onOptionsChange({ ...options, url: url.replace(/\/+$/, "") })}
        />
      </InlineField>
      <InlineField
        label="Access"
        labelWidth={LABEL_WIDTH}
        tooltip="Server: Grafana forwards the requests and adds the token. Browser: each browser connects to Qanat, without a token; Qanat needs --cors-origin with the address of Grafana."
      >
        <RadioButtonGroup
          options={ACCESS}
          value={access === "direct" ? "direct" : "proxy"}
          onChange={(value) => onOptionsChange({ ...options, access: value })}
        />
      </InlineField>
    </>
  );
}

function Token({ options, onOptionsChange }: Props) {
  const { access, secureJsonFields, secureJsonData } = options;
  const setToken = (token: string) =>
    onOptionsChange({
      ...options,
      secureJsonFields: { ...secureJsonFields, token: false },
      secureJsonData: { ...secureJsonData, token },
    });
  return (
    <InlineField
      label="Token"
      labelWidth={LABEL_WIDTH}
      disabled={access === "direct"}
      tooltip="Only Grafana's server has it. All who see the dashboard see what it may read"
    >
      <SecretInput
        id="qanat-token"
        width={FIELD_WIDTH}
        isConfigured={secureJsonFields?.["token"] ?? false}
        value={secureJsonData?.token ?? ""}
        placeholder="none"
        onReset={() => setToken("")}
        onChange={(event) => setToken(event.currentTarget.value)}
      />
    </InlineField>
  );
}

function LiveSamples({ options, onOptionsChange }: Props) {
  const { jsonData } = options;
  const set = (text: string) => {
    const { samplesMax: _, ...others } = jsonData;
    const samplesMax = Math.floor(Number(text));
    onOptionsChange({
      ...options,
      jsonData: samplesMax > 0 ? { ...others, samplesMax } : others,
    });
  };
  return (
    <InlineField
      label="Live samples"
      labelWidth={LABEL_WIDTH}
      tooltip="The most that a live panel keeps of each channel. Longer ranges are drawn as trends."
    >
      <Input
        id="qanat-samples"
        type="number"
        min={1}
        width={FIELD_WIDTH}
        value={jsonData.samplesMax ?? ""}
        placeholder={String(SAMPLES_MAX)}
        onChange={(event) => set(event.currentTarget.value)}
      />
    </InlineField>
  );
}

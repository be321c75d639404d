// What Grafana loads.
import { DataSourcePlugin } from "@grafana/data";
import { ConfigEditor } from "./config_editor.js";
import { QanatDataSource } from "./datasource.js";
import { QueryEditor } from "./query_editor.js";
import type { QanatQuery, QanatSecrets, QanatSettings } from "./types.js";

export const plugin = new DataSourcePlugin<
  QanatDataSource,
  QanatQuery,
  QanatSettings,
  QanatSecrets
>(QanatDataSource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);

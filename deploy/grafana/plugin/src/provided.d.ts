// What the plugin uses of packages that Grafana provides at run time, and that nothing here installs: they have about 300
// dependencies (docs/decisions/0054). Taken from their own types, 13.2.3.

declare module "@grafana/runtime" {
  import type { ScopedVars } from "@grafana/data";
  export function getTemplateSrv(): {
    replace(target: string, scopedVars?: ScopedVars, format?: string): string;
  };
}

declare module "@grafana/ui" {
  import type { ChangeEvent, FC, ReactElement } from "react";
  import type { SelectableValue } from "@grafana/data";

  type OnInput = (event: ChangeEvent<HTMLInputElement>) => void;

  interface InputProps {
    id?: string;
    type?: string;
    min?: number;
    width?: number;
    value?: string | number | undefined;
    placeholder?: string;
    onChange?: OnInput;
    onBlur?: () => void;
  }

  export const InlineField: FC<{
    label: string;
    labelWidth?: number;
    tooltip?: string;
    grow?: boolean;
    disabled?: boolean;
    children: ReactElement;
  }>;
  export const Input: FC<InputProps>;
  export const SecretInput: FC<
    InputProps & { isConfigured: boolean; onReset: () => void }
  >;
  export const InlineSwitch: FC<{
    id?: string;
    value?: boolean;
    onChange?: OnInput;
  }>;
  export function RadioButtonGroup<T>(props: {
    options: SelectableValue<T>[];
    value?: T;
    onChange?: (value: T) => void;
  }): ReactElement;
  export function Select<T>(props: {
    inputId?: string;
    width?: number;
    options: SelectableValue<T>[];
    value?: T;
    onChange: (chosen: SelectableValue<T>) => void;
  }): ReactElement;
  export function AsyncMultiSelect<T>(props: {
    inputId?: string;
    defaultOptions?: boolean;
    allowCustomValue?: boolean;
    loadOptions: (text: string) => Promise<SelectableValue<T>[]>;
    value: SelectableValue<T>[];
    placeholder?: string;
    onChange: (chosen: SelectableValue<T>[]) => void;
  }): ReactElement;
}

{{/* The name of all objects: the release's, with "qanat" in it. */}}
{{- define "qanat.name" -}}
{{- if contains "qanat" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-qanat" .Release.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "qanat.selector" -}}
app.kubernetes.io/name: qanat
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "qanat.labels" -}}
{{ include "qanat.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The host names that clients may use: those of the Service within the cluster, the ingress's and the user's. */}}
{{- define "qanat.allowedHosts" -}}
{{- $name := include "qanat.name" . -}}
{{- $hosts := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) -}}
{{- if .Values.ingress.enabled }}{{ $hosts = append $hosts .Values.ingress.host }}{{ end -}}
{{- with .Values.settings.QANAT_ALLOWED_HOSTS }}{{ $hosts = concat $hosts (splitList "," .) }}{{ end -}}
{{ $hosts | uniq | join "," }}
{{- end }}

{{/* An upper bound of the threads that serve; "auto" is taken as one. */}}
{{- define "qanat.workers" -}}
{{ max 1 (int (default 1 .Values.settings.QANAT_WORKERS)) }}
{{- end }}

{{/* Ring + slab + 30 KB for each client + the process (200 MiB) + 32 MiB for each further worker, MiB. */}}
{{- define "qanat.memoryMi" -}}
{{- $s := .Values.settings -}}
{{- $clients := divf (mulf (int (default 4000 $s.QANAT_CLIENTS_MAX)) 30) 1024 | ceil | int -}}
{{ add (int (default 256 $s.QANAT_RETENTION_MB)) (int (default 512 $s.QANAT_SLAB_MB)) $clients 200 (mul 32 (sub (int (include "qanat.workers" .)) 1)) }}
{{- end }}

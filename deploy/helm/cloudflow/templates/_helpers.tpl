{{- define "cloudflow.labels" -}}
app.kubernetes.io/name: {{ .Values.cloudflow_operator.name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "cloudflow.image" -}}
{{ .Values.cloudflow_operator.image.name }}{{ if hasPrefix "sha256:" .Values.cloudflow_operator.image.tag }}@{{ else }}:{{ end }}{{ .Values.cloudflow_operator.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* A text as HOCON reads it: JSON's quoting. */}}
{{- define "cloudflow.properties" -}}
{{ range $key, $value := . }}
  {{ $key | toJson }} = {{ $value | toString | toJson }}
{{- end }}
{{- end }}

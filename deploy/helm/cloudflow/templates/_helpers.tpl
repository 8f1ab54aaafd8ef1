{{- define "cloudflow.labels" -}}
app.kubernetes.io/name: {{ .Values.cloudflow_operator.name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* NAME:TAG, or NAME@DIGEST where the tag is a digest. */}}
{{- define "cloudflow.image" -}}
{{- $image := .Values.cloudflow_operator.image -}}
{{- $tag := $image.tag | default .Chart.AppVersion -}}
{{ $image.name }}{{ ternary "@" ":" (hasPrefix "sha256:" $tag) }}{{ $tag }}
{{- end }}

{{/* A text as HOCON reads it: JSON's quoting. */}}
{{- define "cloudflow.properties" -}}
{{ range $key, $value := . }}
  {{ $key | toJson }} = {{ $value | toString | toJson }}
{{- end }}
{{- end }}

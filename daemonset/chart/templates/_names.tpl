{{- /* The label of all objects. The DaemonSet, the NetworkPolicy and the PodMonitor select the pods by it. */ -}}
{{- define "gpu-agent.label" -}}
app.kubernetes.io/name: gpu-agent
{{- end -}}

{{- /* The image: by its digest if there is one, otherwise by its tag. */ -}}
{{- define "gpu-agent.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}
{{- else }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end -}}

{{- /* The files in /etc/gpu-agent. A checksum of them starts a rollout: the agent reads them only at its start. */ -}}
{{- define "gpu-agent.files" -}}
config.yaml: |
  {{- toYaml .Values.config | nindent 2 }}
catalog.yaml: |
  {{- toYaml .Values.catalog | nindent 2 }}
{{- with .Values.files }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end -}}

{{- /* What the container of the agent and the init container of an uninstall have in common. */ -}}
{{- define "gpu-agent.container" -}}
image: {{ include "gpu-agent.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  # nsenter, modprobe and the installer run on the host as children of this container. They have the capabilities and
  # the device rules of the container, and fail with fewer rights.
  privileged: true
  runAsUser: 0
  readOnlyRootFilesystem: true
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
# The default path is below /dev, and would create a file in the /dev of the host.
terminationMessagePath: /tmp/termination-log
volumeMounts:
  - name: config
    mountPath: /etc/gpu-agent
    readOnly: true
  - name: dev
    mountPath: /dev
  - name: tmp
    mountPath: /tmp
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

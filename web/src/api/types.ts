// The shapes of the MLflow REST protocol that the dashboard reads. Empty lists are omitted by the server.
import type { WireNumber } from '../lib/format';

export interface Tag {
  key: string;
  value?: string;
}

export interface Experiment {
  experiment_id: string;
  name: string;
  artifact_location?: string;
  lifecycle_stage: 'active' | 'deleted';
  creation_time?: number;
  last_update_time?: number;
  tags?: Tag[];
}

export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';

export interface RunInfo {
  run_id: string;
  run_name?: string;
  experiment_id: string;
  user_id?: string;
  status: RunStatus;
  start_time?: number;
  end_time?: number;
  artifact_uri?: string;
  lifecycle_stage: 'active' | 'deleted';
}

/** A step beyond 2^53 arrives as text, because a double cannot hold it. */
export type WireStep = number | string;

export interface Metric {
  key: string;
  value?: WireNumber;
  timestamp?: number;
  step?: WireStep;
}

export interface DatasetInput {
  tags?: Tag[];
  dataset: {
    name?: string;
    digest?: string;
    source_type?: string;
    source?: string;
    schema?: string;
    profile?: string;
  };
}

export interface Run {
  info: RunInfo;
  data?: { metrics?: Metric[]; params?: Tag[]; tags?: Tag[] };
  inputs?: { dataset_inputs?: DatasetInput[]; model_inputs?: { model_id: string }[] };
  outputs?: { model_outputs?: { model_id: string; step?: WireStep }[] };
}

/** A file or folder among the artifacts of a run or a model; its path is from the root of those. */
export interface ArtifactFile {
  path: string;
  is_dir?: boolean;
  file_size?: number;
  sha256?: string;
  content_type?: string;
  created_at?: number;
}

export interface LoggedModel {
  info: {
    model_id: string;
    experiment_id: string;
    name?: string;
    creation_timestamp_ms?: number;
    last_updated_timestamp_ms?: number;
    artifact_uri?: string;
    status?: string;
    model_type?: string;
    source_run_id?: string;
    status_message?: string;
    tags?: Tag[];
  };
  data?: { params?: Tag[]; metrics?: (Metric & { dataset_name?: string })[] };
}

export type ViewType = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL';

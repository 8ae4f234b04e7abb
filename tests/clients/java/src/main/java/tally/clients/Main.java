package tally.clients;

import static tally.clients.Harness.holds;
import static tally.clients.Harness.refused;
import static tally.clients.Harness.same;
import static tally.clients.Harness.sameDouble;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.mlflow.api.proto.Service.CreateExperiment;
import org.mlflow.api.proto.Service.CreateRun;
import org.mlflow.api.proto.Service.Experiment;
import org.mlflow.api.proto.Service.ExperimentTag;
import org.mlflow.api.proto.Service.Metric;
import org.mlflow.api.proto.Service.Param;
import org.mlflow.api.proto.Service.Run;
import org.mlflow.api.proto.Service.RunInfo;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.api.proto.Service.RunTag;
import org.mlflow.api.proto.Service.ViewType;
import org.mlflow.tracking.ActiveRun;
import org.mlflow.tracking.ExperimentsPage;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.MlflowContext;
import org.mlflow.tracking.RunsPage;
import org.mlflow.tracking.creds.BasicMlflowHostCreds;

/** The checks with MLflow's Java client. Arguments: [--reference] BASE_URL. */
public final class Main {
  private static final String NOBODY = "0123456789abcdef0123456789abcdef";
  private final String address;
  private final MlflowClient client;
  private final Harness harness;

  private Main(String address, boolean reference) {
    this.address = address;
    this.client = connect();
    this.harness = new Harness(reference);
  }

  /** A client with the credentials of the environment, given to it as programs do. */
  private MlflowClient connect() {
    String user = System.getenv("MLFLOW_TRACKING_USERNAME");
    String token = System.getenv("MLFLOW_TRACKING_TOKEN");
    if (user != null) {
      return as(user, System.getenv("MLFLOW_TRACKING_PASSWORD"));
    }
    return token != null ? new MlflowClient(new BasicMlflowHostCreds(address, token)) : new MlflowClient(address);
  }

  private MlflowClient as(String user, String password) {
    return new MlflowClient(new BasicMlflowHostCreds(address, user, password));
  }

  public static void main(String[] arguments) {
    List<String> words = new ArrayList<>(List.of(arguments));
    boolean reference = words.remove("--reference");
    Main main = new Main(words.get(0), reference);
    main.experiments();
    main.runs();
    main.metrics();
    main.search();
    main.errors();
    main.context();
    new Registry(main.client, main.harness).run();
    if (System.getenv("TALLY_CHECK_BY") != null) {
      main.access();
    }
    System.exit(main.harness.finish());
  }

  private static String unique(String what) {
    return what + " " + UUID.randomUUID();
  }

  private static Map<String, String> tagsOf(Run run) {
    Map<String, String> tags = new TreeMap<>();
    for (RunTag tag : run.getData().getTagsList()) {
      tags.put(tag.getKey(), tag.getValue());
    }
    return tags;
  }

  private static Map<String, String> paramsOf(Run run) {
    Map<String, String> params = new TreeMap<>();
    for (Param param : run.getData().getParamsList()) {
      params.put(param.getKey(), param.getValue());
    }
    return params;
  }

  private static Map<String, Double> metricsOf(Run run) {
    Map<String, Double> metrics = new TreeMap<>();
    for (Metric metric : run.getData().getMetricsList()) {
      metrics.put(metric.getKey(), metric.getValue());
    }
    return metrics;
  }

  private static Metric point(String key, double value, long timestamp, long step) {
    return Metric.newBuilder().setKey(key).setValue(value).setTimestamp(timestamp).setStep(step).build();
  }

  private String newRun() {
    return client.createRun(client.createExperiment(unique("java"))).getRunId();
  }

  private void experiments() {
    harness.check("create, read, rename and tag an experiment", () -> {
      String name = unique("größe 実験");
      CreateExperiment wish = CreateExperiment.newBuilder().setName(name)
          .addTags(ExperimentTag.newBuilder().setKey("team").setValue("ü")).build();
      String id = client.createExperiment(wish);
      Experiment read = client.getExperiment(id);
      same(read.getName(), name, "name");
      same(read.getLifecycleStage(), "active", "life cycle");
      same(read.getArtifactLocation(), "mlflow-artifacts:/" + id, "artifact location");
      same(read.getTags(0).getValue(), "ü", "tag");
      same(client.getExperimentByName(name).get().getExperimentId(), id, "by name");
      client.renameExperiment(id, name + " renamed");
      client.setExperimentTag(id, "team", "other");
      same(client.getExperiment(id).getName(), name + " renamed", "new name");
      same(client.getExperiment(id).getTags(0).getValue(), "other", "new tag");
      holds(client.getExperimentByName(name).isEmpty(), "the old name is still there");
    });
    harness.check("delete and restore an experiment", () -> {
      String id = client.createExperiment(unique("java"));
      client.deleteExperiment(id);
      same(client.getExperiment(id).getLifecycleStage(), "deleted", "life cycle");
      client.restoreExperiment(id);
      same(client.getExperiment(id).getLifecycleStage(), "active", "life cycle after restore");
    });
    harness.check("search experiments in pages", () -> {
      List<String> ids = new ArrayList<>();
      for (int number = 0; number < 5; number++) {
        ids.add(client.createExperiment(unique("java")));
      }
      Collections.reverse(ids);
      List<String> found = new ArrayList<>();
      ExperimentsPage page = client.searchExperiments("", ViewType.ACTIVE_ONLY, 2, List.of("creation_time DESC"));
      while (true) {
        holds(page.getItems().size() <= 2, "a page is longer than asked for");
        page.getItems().forEach(one -> found.add(one.getExperimentId()));
        if (!page.hasNextPage() || found.size() > 5) {
          break;
        }
        page = (ExperimentsPage) page.getNextPage();
      }
      same(found.subList(0, 5), ids, "newest first");
    });
  }

  private void runs() {
    harness.check("create a run and read it back", () -> {
      String experiment = client.createExperiment(unique("java"));
      RunInfo info = client.createRun(CreateRun.newBuilder().setExperimentId(experiment).setUserId("someone")
          .setStartTime(1234567890123L).setRunName("from java")
          .addTags(RunTag.newBuilder().setKey("k").setValue("v")).build());
      Run run = client.getRun(info.getRunId());
      same(run.getInfo().getRunUuid(), info.getRunId(), "run_uuid");
      same(run.getInfo().getExperimentId(), experiment, "experiment");
      same(run.getInfo().getUserId(), "someone", "user");
      same(run.getInfo().getStartTime(), 1234567890123L, "start time");
      same(run.getInfo().getStatus(), RunStatus.RUNNING, "status");
      same(run.getInfo().hasEndTime(), false, "has an end time");
      same(run.getInfo().getArtifactUri(), "mlflow-artifacts:/" + experiment + "/" + info.getRunId() + "/artifacts",
          "artifact URI");
      same(tagsOf(run), Map.of("k", "v", "mlflow.runName", "from java"), "tags");
    });
    harness.check("params and tags", () -> {
      String id = newRun();
      client.logParam(id, "größe", "0.1");
      client.logParam(id, "empty", "");
      client.setTag(id, "t", "1");
      client.setTag(id, "t", "zwei");
      client.setTag(id, "gone", "x");
      client.deleteTag(id, "gone");
      Run run = client.getRun(id);
      same(paramsOf(run), Map.of("größe", "0.1", "empty", ""), "params");
      Map<String, String> tags = tagsOf(run);
      tags.remove("mlflow.runName");
      same(tags, Map.of("t", "zwei"), "tags");
    });
    harness.check("terminate, delete and restore a run", () -> {
      String id = newRun();
      client.setTerminated(id, RunStatus.FAILED, 1500000000001L);
      same(client.getRun(id).getInfo().getStatus(), RunStatus.FAILED, "status");
      same(client.getRun(id).getInfo().getEndTime(), 1500000000001L, "end time");
      client.setTerminated(id);
      same(client.getRun(id).getInfo().getStatus(), RunStatus.FINISHED, "status");
      client.deleteRun(id);
      same(client.getRun(id).getInfo().getLifecycleStage(), "deleted", "life cycle");
      client.restoreRun(id);
      same(client.getRun(id).getInfo().getLifecycleStage(), "active", "life cycle after restore");
    });
  }

  private void metrics() {
    harness.check("log_metric with timestamp and step, exact", () -> {
      String id = newRun();
      double[] values = {0.1 + 0.2, Double.MIN_VALUE, -Double.MAX_VALUE, Double.NaN, 1.0 / 3, 1e22};
      for (int number = 0; number < values.length; number++) {
        client.logMetric(id, "m", values[number], 1700000000000L + number, number - 2);
      }
      List<Metric> history = client.getMetricHistory(id, "m");
      same(history.size(), values.length, "length of the history");
      for (int number = 0; number < values.length; number++) {
        sameDouble(history.get(number).getValue(), values[number], "value " + number);
        same(history.get(number).getTimestamp(), 1700000000000L + number, "timestamp");
        same(history.get(number).getStep(), number - 2L, "step");
      }
      sameDouble(metricsOf(client.getRun(id)).get("m"), 1e22, "latest");
      client.logMetric(id, "plain", 2.5);
      sameDouble(metricsOf(client.getRun(id)).get("plain"), 2.5, "metric without a step");
    });
    harness.check("infinities", "clamps them to the largest double", () -> {
      String id = newRun();
      client.logMetric(id, "m", Double.POSITIVE_INFINITY, 1, 1);
      client.logMetric(id, "m", Double.NEGATIVE_INFINITY, 2, 2);
      sameDouble(client.getMetricHistory(id, "m").get(0).getValue(), Double.POSITIVE_INFINITY, "first");
      sameDouble(client.getMetricHistory(id, "m").get(1).getValue(), Double.NEGATIVE_INFINITY, "second");
    });
    harness.check("log_batch of 800 metrics, 100 params, 100 tags", () -> {
      String id = newRun();
      List<Metric> metrics = new ArrayList<>();
      Map<String, Double> latest = new TreeMap<>();
      for (int number = 0; number < 400; number++) {
        metrics.add(point("series", number * 0.5, 1700000000000L + number, number));
        metrics.add(point("key " + number, Math.sin(number), 1, 0));
        latest.put("key " + number, Math.sin(number));
      }
      latest.put("series", 399 * 0.5);
      List<Param> params = new ArrayList<>();
      List<RunTag> tags = new ArrayList<>();
      Map<String, String> wantedParams = new TreeMap<>();
      Map<String, String> wantedTags = new TreeMap<>();
      for (int number = 0; number < 100; number++) {
        params.add(Param.newBuilder().setKey("p" + number).setValue("v" + number).build());
        tags.add(RunTag.newBuilder().setKey("t" + number).setValue("w" + number).build());
        wantedParams.put("p" + number, "v" + number);
        wantedTags.put("t" + number, "w" + number);
      }
      client.logBatch(id, metrics, params, tags);
      Run run = client.getRun(id);
      same(metricsOf(run), latest, "latest values");
      same(paramsOf(run), wantedParams, "params");
      Map<String, String> read = tagsOf(run);
      read.remove("mlflow.runName");
      same(read, wantedTags, "tags");
      List<Metric> history = client.getMetricHistory(id, "series");
      same(history.size(), 400, "length of the history");
      for (int number = 0; number < 400; number++) {
        same(history.get(number).getStep(), (long) number, "step");
        sameDouble(history.get(number).getValue(), number * 0.5, "value");
      }
    });
  }

  private void search() {
    harness.check("search runs in pages and by views", () -> {
      String experiment = client.createExperiment(unique("java"));
      List<String> ids = new ArrayList<>();
      for (int number = 0; number < 7; number++) {
        RunInfo info = client.createRun(CreateRun.newBuilder().setExperimentId(experiment)
            .setStartTime(1000 + number).build());
        client.logMetric(info.getRunId(), "m", number, 1, 1);
        ids.add(info.getRunId());
      }
      List<String> found = new ArrayList<>();
      RunsPage page = client.searchRuns(List.of(experiment), "", ViewType.ACTIVE_ONLY, 3,
          List.of("attributes.start_time ASC"));
      while (true) {
        for (Run run : page.getItems()) {
          sameDouble(metricsOf(run).get("m"), found.size(), "metric in a search answer");
          found.add(run.getInfo().getRunId());
        }
        if (!page.hasNextPage()) {
          break;
        }
        page = (RunsPage) page.getNextPage();
      }
      same(found, ids, "runs by start time");
      List<String> best = new ArrayList<>();
      for (Run run : client.searchRuns(List.of(experiment), "metrics.m >= 4 AND attributes.status = 'RUNNING'",
          ViewType.ACTIVE_ONLY, 100, List.of("metrics.m DESC")).getItems()) {
        best.add(run.getInfo().getRunId());
      }
      same(best, List.of(ids.get(6), ids.get(5), ids.get(4)), "runs by a filter, the best first");
      client.deleteRun(ids.get(3));
      same(client.searchRuns(List.of(experiment), "", ViewType.DELETED_ONLY).get(0).getRunId(), ids.get(3), "deleted");
      same(client.searchRuns(List.of(experiment), "").size(), 6, "active");
      same(client.searchRuns(List.of(experiment), "", ViewType.ALL).size(), 7, "all");
    });
  }

  private void errors() {
    harness.check("errors carry status, code and message", () -> {
      refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getRun(NOBODY));
      refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getExperiment("987654321"));
      refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.logMetric(NOBODY, "m", 1.0, 1, 1));
      String name = unique("java");
      client.createExperiment(name);
      refused(400, "RESOURCE_ALREADY_EXISTS", () -> client.createExperiment(name));
      String id = newRun();
      client.logParam(id, "p", "1");
      refused(400, "Changing param values is not allowed", () -> client.logParam(id, "p", "2"));
      client.deleteRun(id);
      refused(400, "must be in the 'active' state", () -> client.setTag(id, "t", "1"));
      holds(client.getExperimentByName(unique("nobody")).isEmpty(), "an unknown name was found");
    });
  }

  private void context() {
    harness.check("MlflowContext: a run and its child", () -> {
      MlflowContext context = new MlflowContext(connect());
      String name = unique("java context");
      String experiment = client.createExperiment(name);
      context.setExperimentName(name);
      ActiveRun run = context.startRun("parent");
      run.logParam("alpha", "0.5");
      run.logMetrics(Map.of("a", 1.0, "b", 2.0), 3);
      run.setTags(Map.of("x", "y"));
      ActiveRun child = context.startRun("child", run.getId());
      child.endRun();
      run.endRun(RunStatus.KILLED);
      Run read = client.getRun(run.getId());
      same(read.getInfo().getExperimentId(), experiment, "experiment");
      same(read.getInfo().getRunName(), "parent", "name");
      same(read.getInfo().getStatus(), RunStatus.KILLED, "status");
      same(paramsOf(read), Map.of("alpha", "0.5"), "params");
      same(metricsOf(read), Map.of("a", 1.0, "b", 2.0), "metrics");
      same(tagsOf(read).get("x"), "y", "tag");
      same(tagsOf(client.getRun(child.getId())).get("mlflow.parentRunId"), run.getId(), "parent of the child");
      same(client.getRun(child.getId()).getInfo().getStatus(), RunStatus.FINISHED, "status of the child");
    });
  }

  /** The client waits longer and longer before it repeats what it takes for a passing trouble. */
  private static void refusedAtOnce(int status, String text, Harness.Body body) throws Exception {
    long started = System.nanoTime();
    refused(status, text, body);
    long seconds = (System.nanoTime() - started) / 1_000_000_000L;
    holds(seconds < 15, "it took " + seconds + " s: the client has repeated it");
  }

  private void access() {
    harness.check("a wrong password and a wrong token fail at once", () -> {
      String id = newRun();
      MlflowClient wrong = as(System.getenv("TALLY_CHECK_WRITER"), "not the password");
      refusedAtOnce(401, "The user name or the password is wrong", () -> wrong.logMetric(id, "m", 1));
      MlflowClient unknown = new MlflowClient(new BasicMlflowHostCreds(address, "tly_" + "x".repeat(43)));
      refusedAtOnce(401, "UNAUTHENTICATED", () -> unknown.getRun(id));
      same(client.getRun(id).getData().getMetricsCount(), 0, "metrics");
    });
    harness.check("a reader: what is not shared is not there, by password and by token", () -> {
      String id = newRun();
      MlflowClient password = as(System.getenv("TALLY_CHECK_READER"), System.getenv("TALLY_CHECK_PASSWORD"));
      MlflowClient token = new MlflowClient(new BasicMlflowHostCreds(address, System.getenv("TALLY_CHECK_READER_TOKEN")));
      for (MlflowClient reader : List.of(password, token)) {
        refusedAtOnce(404, "RESOURCE_DOES_NOT_EXIST", () -> reader.getRun(id));
        refusedAtOnce(404, "RESOURCE_DOES_NOT_EXIST", () -> reader.logMetric(id, "m", 1));
      }
      same(client.getRun(id).getData().getMetricsCount(), 0, "metrics");
    });
    harness.check("a reader of an experiment reads, and is refused to write", () -> {
      String experiment = System.getenv("TALLY_CHECK_READABLE");
      MlflowClient reader = as(System.getenv("TALLY_CHECK_READER"), System.getenv("TALLY_CHECK_PASSWORD"));
      String id = client.createRun(experiment).getRunId();
      client.logMetric(id, "m", 0.5);
      same(metricsOf(reader.getRun(id)), Map.of("m", 0.5), "metrics");
      refusedAtOnce(403, "this needs EDIT on ", () -> reader.logMetric(id, "m", 1));
      refusedAtOnce(403, "this needs EDIT on ", () -> reader.createRun(experiment));
      same(metricsOf(client.getRun(id)), Map.of("m", 0.5), "metrics after that");
    });
  }
}

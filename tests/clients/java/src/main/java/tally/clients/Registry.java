package tally.clients;

import static tally.clients.Harness.refused;
import static tally.clients.Harness.same;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.mlflow.api.proto.ModelRegistry.ModelVersion;
import org.mlflow.api.proto.ModelRegistry.ModelVersionTag;
import org.mlflow.api.proto.ModelRegistry.RegisteredModel;
import org.mlflow.tracking.MlflowClient;
import org.mlflow.tracking.ModelVersionsPage;

/** What MLflow's Java client does with registered models: it reads them; it writes by JSON that the program gives it. */
final class Registry {
  private final MlflowClient client;
  private final Harness harness;
  private final String name = "java model " + UUID.randomUUID();

  Registry(MlflowClient client, Harness harness) {
    this.client = client;
    this.harness = harness;
  }

  private static String json(String... members) {
    StringBuilder text = new StringBuilder("{");
    for (int i = 0; i < members.length; i += 2) {
      text.append(i > 0 ? ", " : "").append('"').append(members[i]).append("\": \"").append(members[i + 1]).append('"');
    }
    return text.append('}').toString();
  }

  private static List<String> numbers(List<ModelVersion> versions) {
    List<String> numbers = new ArrayList<>();
    for (ModelVersion version : versions) {
      numbers.add(version.getVersion());
    }
    return numbers;
  }

  private void move(String version, String stage) {
    client.sendPost("model-versions/transition-stage", json("name", name, "version", version, "stage", stage));
  }

  void run() {
    harness.check("register a model and versions, and read them", () -> {
      client.sendPost("registered-models/create", json("name", name, "description", "words"));
      for (int i = 0; i < 3; i++) {
        client.sendPost("model-versions/create", json("name", name, "source", "s3://bucket/model/" + i, "run_id", "r" + i));
      }
      RegisteredModel model = client.getRegisteredModel(name);
      same(model.getName(), name, "name");
      same(model.getDescription(), "words", "description");
      ModelVersion version = client.getModelVersion(name, "2");
      same(version.getSource(), "s3://bucket/model/1", "source");
      same(version.getRunId(), "r1", "run");
      same(version.getCurrentStage(), "None", "stage");
      same(client.getModelVersionDownloadUri(name, "3"), "s3://bucket/model/2", "where its files are");
    });
    harness.check("the newest versions of stages", () -> {
      move("1", "Production");
      move("2", "Staging");
      same(numbers(client.getLatestVersions(name, List.of("Production"))), List.of("1"), "in Production");
      List<String> all = numbers(client.getLatestVersions(name));
      all.sort(null);
      same(all, List.of("1", "2", "3"), "in all stages");
    });
    harness.check("tags of a version", () -> {
      client.sendPost("model-versions/set-tag", json("name", name, "version", "1", "key", "k", "value", "ü"));
      Map<String, String> tags = new TreeMap<>();
      for (ModelVersionTag tag : client.getModelVersion(name, "1").getTagsList()) {
        tags.put(tag.getKey(), tag.getValue());
      }
      same(tags, Map.of("k", "ü"), "tags");
    });
    harness.check("search versions in pages", () -> {
      String filter = "name = '" + name + "'";
      List<String> found = new ArrayList<>();
      ModelVersionsPage page = client.searchModelVersions(filter, 2, List.of("version_number ASC"));
      found.addAll(numbers(page.getItems()));
      same(page.hasNextPage(), true, "there is another page");
      page = (ModelVersionsPage) page.getNextPage();
      found.addAll(numbers(page.getItems()));
      same(found, List.of("1", "2", "3"), "all versions");
      same(page.hasNextPage(), false, "there is no third page");
      same(numbers(client.searchModelVersions("run_id = 'r2' AND " + filter).getItems()), List.of("3"), "by a run");
    });
    harness.check("what is not registered is refused", () -> {
      refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getRegisteredModel(name + " nowhere"));
      refused(404, "RESOURCE_DOES_NOT_EXIST", () -> client.getModelVersion(name, "99"));
      refused(400, "Invalid model version source",
          () -> client.sendPost("model-versions/create", json("name", name, "source", "/etc/passwd")));
    });
  }
}

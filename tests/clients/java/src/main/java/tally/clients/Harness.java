package tally.clients;

import java.util.Objects;
import org.mlflow.tracking.MlflowHttpException;

/** Names and outcomes of the checks, one line each. */
final class Harness {
  interface Body {
    void run() throws Exception;
  }

  private static final String PART =
      System.getenv("TALLY_CHECK_BY") == null ? "java" : "java by " + System.getenv("TALLY_CHECK_BY");
  private final boolean reference;
  private int passed;
  private int failed;

  /** @param reference the server is MLflow's own, so a check that names a bug of it must fail */
  Harness(boolean reference) {
    this.reference = reference;
  }

  void check(String name, Body body) {
    check(name, null, body);
  }

  void check(String name, String upstreamBug, Body body) {
    String problem = null;
    try {
      body.run();
    } catch (Exception | AssertionError error) {
      StackTraceElement[] frames = error.getStackTrace();
      String where = "?";
      for (StackTraceElement frame : frames) {
        if (frame.getClassName().startsWith("tally.clients.Main")) {
          where = frame.getFileName() + ":" + frame.getLineNumber();
          break;
        }
      }
      problem = where + ": " + error;
      if (error instanceof MlflowHttpException) {
        problem += " " + ((MlflowHttpException) error).getBodyMessage();
      }
    }
    boolean mustFail = reference && upstreamBug != null;
    if (mustFail && problem == null) {
      problem = "marked as a bug of MLflow (" + upstreamBug + "), but it passed";
    } else if (mustFail) {
      problem = null;
    }
    if (problem == null) {
      passed++;
      System.out.println("ok - " + PART + ": " + name);
    } else {
      failed++;
      System.out.println("not ok - " + PART + ": " + name + ": " + problem.replaceAll("\\s+", " "));
    }
    System.out.flush();
  }

  /** Prints the sums and gives the exit code. */
  int finish() {
    System.out.println("# " + PART + ": " + passed + " passed, " + failed + " failed");
    return failed == 0 ? 0 : 1;
  }

  static void same(Object got, Object wanted, String what) {
    if (!Objects.equals(got, wanted)) {
      throw new AssertionError(what + ": got " + got + ", wanted " + wanted);
    }
  }

  /** Equal bit by bit, except that every NaN is the same NaN. */
  static void sameDouble(double got, double wanted, String what) {
    if (Double.doubleToLongBits(got) != Double.doubleToLongBits(wanted)) {
      throw new AssertionError(what + ": got " + got + ", wanted " + wanted);
    }
  }

  static void holds(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  /** The call must be answered with this status and a body that has this text. */
  static void refused(int status, String text, Body body) throws Exception {
    try {
      body.run();
    } catch (MlflowHttpException error) {
      same(error.getStatusCode(), status, "status of " + error.getBodyMessage());
      holds(String.valueOf(error.getBodyMessage()).contains(text), text + " is not in " + error.getBodyMessage());
      return;
    }
    throw new AssertionError("wanted status " + status + " with " + text + ", got an answer");
  }
}

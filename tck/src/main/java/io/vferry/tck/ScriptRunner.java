package io.vferry.tck;

import io.vferry.spi.error.MigrationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Runs sequences, each on fresh devices, and notices a call that does not return. */
final class ScriptRunner {

  private final Subject subject;
  private final Limits limits;

  ScriptRunner(Subject subject, Limits limits) {
    this.subject = subject;
    this.limits = limits;
  }

  /** Runs a sequence; returns how it broke, if it did. */
  Optional<Failure> run(Script script) {
    Run run = new Run(script);
    ExecutorService worker =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "vferry-tck");
              thread.setDaemon(true);
              return thread;
            });
    Future<Optional<Failure>> future = worker.submit(run::all);
    try {
      return await(run, future);
    } finally {
      worker.shutdownNow();
    }
  }

  private Optional<Failure> await(Run run, Future<Optional<Failure>> future) {
    int before = -1;
    while (true) {
      try {
        return future.get(limits.callNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        if (run.position() == before) {
          return Optional.of(run.hung());
        }
        before = run.position();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.of(run.failed("interrupted", "the kit was interrupted"));
      } catch (ExecutionException e) {
        throw new IllegalStateException("the kit itself failed", e.getCause());
      }
    }
  }

  /** One run of one sequence. */
  private final class Run {

    private final Script script;
    private final List<Step> taken = new ArrayList<>();
    private int position;

    Run(Script script) {
      this.script = script;
    }

    synchronized int position() {
      return position;
    }

    private synchronized void take(Step step) {
      taken.add(step);
      position++;
    }

    synchronized Failure failed(String kind, String reason) {
      return new Failure(kind, reason, taken, false);
    }

    synchronized Failure hung() {
      return new Failure(
          "hangs",
          "this step did not come back within %d ms"
              .formatted(TimeUnit.NANOSECONDS.toMillis(limits.callNanos())),
          taken,
          true);
    }

    Optional<Failure> all() {
      try (Scene scene = new Scene(subject, limits)) {
        for (Step step : script.steps()) {
          if (!step.possible().test(scene)) {
            continue;
          }
          take(step);
          @Nullable Failure failure = one(step, scene);
          if (failure != null) {
            return Optional.of(failure);
          }
        }
        return Optional.empty();
      }
    }

    private @Nullable Failure one(Step step, Scene scene) {
      try {
        step.action().run(scene);
        return null;
      } catch (Violation e) {
        return failed(e.kind(), String.valueOf(e.getMessage()));
      } catch (MigrationException e) {
        return failed("failed: " + e.code().label(), "this failed: " + e.getMessage());
      }
    }
  }
}

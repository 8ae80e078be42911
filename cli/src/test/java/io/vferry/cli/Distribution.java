package io.vferry.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** The command as it is delivered, in processes of its own. */
final class Distribution {

  private static final long PATIENCE_SECONDS = 240;

  private final Path state;

  /** Runs commands that keep what they keep in {@code state}. */
  Distribution(Path state) {
    this.state = state;
  }

  static Path folder() {
    return Path.of(System.getProperty("vferry.distribution"));
  }

  static Path java() {
    return Path.of(System.getProperty("java.home"), "bin", "java");
  }

  /** A command that runs or has run. */
  final class Running implements AutoCloseable {

    private final Process process;
    private final Lines out;
    private final Lines err;

    private Running(Process process) {
      this.process = process;
      this.out = new Lines(process.getInputStream());
      this.err = new Lines(process.getErrorStream());
    }

    Process process() {
      return process;
    }

    /**
     * Sends SIGTERM; unlike {@link Process#destroy}, goes on listening to what the process says.
     */
    void terminate() {
      process.toHandle().destroy();
    }

    /** Waits for a line on standard output. */
    String awaitOut(Predicate<String> wanted) throws Exception {
      return out.await(wanted);
    }

    /** Waits for a line on standard error. */
    String awaitErr(Predicate<String> wanted) throws Exception {
      return err.await(wanted);
    }

    /** Waits for the end. */
    CommandRun end() throws Exception {
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("no end within " + PATIENCE_SECONDS + " s: " + out + err);
      }
      return new CommandRun(process.exitValue(), out.all(), err.all());
    }

    @Override
    public void close() {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  Running start(String... arguments) throws IOException {
    return start(List.of(), arguments);
  }

  Running start(List<String> javaOptions, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(java().toString());
    command.add("-Dguice_bytecode_gen_option=DISABLED");
    command.addAll(javaOptions);
    command.addAll(List.of("-p", folder().resolve("lib").toString()));
    command.addAll(List.of("-m", "io.vferry.cli/io.vferry.cli.Main"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("XDG_STATE_HOME", state.toString());
    builder.environment().put("TMPDIR", state.toString());
    return new Running(builder.start());
  }

  CommandRun run(String... arguments) throws Exception {
    return run(List.of(), arguments);
  }

  CommandRun run(List<String> javaOptions, String... arguments) throws Exception {
    try (Running running = start(javaOptions, arguments)) {
      running.process().getOutputStream().close();
      return running.end();
    }
  }

  Path write(String name, String text) throws IOException {
    return Files.writeString(state.resolve(name), text);
  }

  /** Gathers what a process says. */
  private static final class Lines {

    private final StringBuilder text = new StringBuilder();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    Lines(InputStream in) {
      Thread thread = new Thread(() -> gather(in), "gather");
      thread.setDaemon(true);
      thread.start();
    }

    private void gather(InputStream in) {
      byte[] buffer = new byte[8192];
      try (in) {
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          synchronized (this) {
            text.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
            notifyAll();
          }
        }
      } catch (IOException e) {
        // The process was killed.
      }
      synchronized (this) {
        ended.complete(null);
        notifyAll();
      }
    }

    synchronized String await(Predicate<String> wanted) throws InterruptedException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      while (true) {
        for (String line : complete().split("\n")) {
          if (wanted.test(line)) {
            return line;
          }
        }
        long left = deadline - System.nanoTime();
        if (ended.isDone() || left <= 0) {
          throw new AssertionError("the line never came; there was: " + text);
        }
        wait(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left)));
      }
    }

    private String complete() {
      return text.substring(0, text.lastIndexOf("\n") + 1);
    }

    String all() throws Exception {
      ended.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
      synchronized (this) {
        return text.toString();
      }
    }

    @Override
    public synchronized String toString() {
      return text.toString();
    }
  }
}

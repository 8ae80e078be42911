package io.vferry.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A {@code vferry receive} in a process of its own on this host.
 *
 * <p>Its standard input is a pipe from here: however this process ends, the pipe ends with it, and
 * the receiver follows. No orphan is left, not even after {@code kill -9}.
 */
final class ReceiverProcess implements AutoCloseable {

  private static final long START_SECONDS = 60;
  private static final long END_SECONDS = 20;
  private static final int COMPLAINTS = 20;

  private final Process process;
  private final Deque<String> complaints = new ArrayDeque<>();
  private final CompletableFuture<String> firstLine = new CompletableFuture<>();
  private final Thread outReader;
  private final Thread errReader;

  private ReceiverProcess(Process process) {
    this.process = process;
    this.outReader = reader("vferry-receiver-out", process.inputReader(StandardCharsets.UTF_8));
    this.errReader = reader("vferry-receiver-err", process.errorReader(Charset.defaultCharset()));
  }

  /** Starts it; it listens on the loopback. */
  static ReceiverProcess start(
      Path manifest, Path tls, Path journalDirectory, List<Path> driverDirectories)
      throws IOException {
    List<String> command = new ArrayList<>(java());
    command.addAll(
        List.of(
            "receive",
            manifest.toString(),
            "--listen",
            "127.0.0.1:0",
            "--tls",
            tls.toString(),
            "--journal",
            journalDirectory.toString(),
            "--output",
            "json",
            "--until-input-ends"));
    for (Path directory : driverDirectories) {
      command.add("--drivers");
      command.add(directory.toString());
    }
    ReceiverProcess receiver = new ReceiverProcess(new ProcessBuilder(command).start());
    receiver.outReader.start();
    receiver.errReader.start();
    return receiver;
  }

  /** The same Java, with the same modules. */
  private static List<String> java() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    Module module = Main.class.getModule();
    if (module.isNamed()) {
      command.add("--enable-native-access=com.sun.jna");
      command.add("-Dguice_bytecode_gen_option=DISABLED");
      command.add("-p");
      command.add(System.getProperty("jdk.module.path"));
      command.add("-m");
      command.add(module.getName() + "/" + Main.class.getName());
    } else {
      command.add("-cp");
      command.add(System.getProperty("java.class.path"));
      command.add(Main.class.getName());
    }
    return command;
  }

  private Thread reader(String name, BufferedReader reader) {
    boolean errors = name.endsWith("err");
    Thread thread =
        new Thread(
            () -> {
              try (reader) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                  if (errors) {
                    complain(line);
                  } else {
                    firstLine.complete(line);
                  }
                }
              } catch (IOException e) {
                complain(e.toString());
              }
              if (!errors) {
                firstLine.completeExceptionally(new IOException("it ended"));
              }
            },
            name);
    thread.setDaemon(true);
    return thread;
  }

  private synchronized void complain(String line) {
    complaints.addLast(line);
    if (complaints.size() > COMPLAINTS) {
      complaints.removeFirst();
    }
  }

  /** Returns what it said on standard error, the last lines of it. */
  synchronized List<String> complaints() {
    return List.copyOf(complaints);
  }

  /** Waits until it listens. */
  InetSocketAddress address() throws CommandException, InterruptedException {
    try {
      String line = firstLine.get(START_SECONDS, TimeUnit.SECONDS);
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), port(line));
    } catch (ExecutionException | IOException e) {
      errReader.join(1000);
      throw new CommandException(
          ExitCode.INTERNAL, "vferry: the destination process did not start: " + story(), e);
    } catch (TimeoutException e) {
      throw new CommandException(
          ExitCode.INTERNAL,
          "vferry: the destination process did not listen within "
              + START_SECONDS
              + " s: "
              + story(),
          e);
    }
  }

  private String story() {
    List<String> lines = complaints();
    return lines.isEmpty() ? "it said nothing" : String.join(" / ", lines);
  }

  private static int port(String line) throws IOException {
    try (JsonParser json = new JsonFactory().createParser(line)) {
      while (json.nextToken() != null) {
        if (json.currentToken() == JsonToken.FIELD_NAME && json.currentName().equals("listening")) {
          String address = String.valueOf(json.nextTextValue());
          return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
        }
      }
    } catch (NumberFormatException e) {
      throw new IOException("no port in " + line, e);
    }
    throw new IOException("no address in " + line);
  }

  /** Lets it come to its own end, then ends it in any case. */
  @Override
  public void close() {
    try {
      try {
        process.getOutputStream().close();
      } catch (IOException e) {
        complain(e.toString());
      }
      if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor(END_SECONDS, TimeUnit.SECONDS);
      }
      outReader.join(1000);
      errReader.join(1000);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}

package io.vferry.host.linux.user.client;

import io.vferry.host.linux.syscall.Fd;
import io.vferry.host.linux.user.socket.ConnectionException;
import io.vferry.host.linux.user.socket.MessageConnection;
import io.vferry.host.linux.user.socket.MessageSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Runs a server of the tests at the other end of a real socket. */
final class ServerThread implements AutoCloseable {

  private final MessageSocket socket;
  private final LibvfioUser server;
  private final BlockingQueue<byte[]> answers = new LinkedBlockingQueue<>();
  private final Thread thread = new Thread(this::run, "test-server");

  /** Takes over the server's end. */
  ServerThread(Fd end, LibvfioUser server) {
    this.socket = new MessageSocket(end, MessageSocket.Limits.DEFAULT);
    this.server = server;
    thread.start();
  }

  private void run() {
    try {
      while (true) {
        MessageConnection.Incoming incoming = socket.receive(MessageConnection.NO_LIMIT);
        ByteBuffer message =
            ByteBuffer.allocate(16 + incoming.remainingBytes()).order(ByteOrder.nativeOrder());
        message.put(incoming.header().duplicate());
        incoming.read(message);
        message.flip();
        List<Fd> files = incoming.takeFiles();
        if ((message.getInt(8) & 0xf) == 1) {
          answers.add(message.array());
        } else {
          for (LibvfioUser.Answer answer : server.answer(message, files)) {
            socket.send(answer.files(), ByteBuffer.wrap(answer.bytes()));
          }
        }
        files.forEach(Fd::close);
      }
    } catch (ConnectionException e) {
      // The test is over, or the client is.
    }
  }

  /** Sends the client a message. */
  void say(byte[] message) throws ConnectionException {
    socket.send(List.of(), ByteBuffer.wrap(message));
  }

  /** Gives the client an order; returns its answer. */
  byte[] order(byte[] message) throws ConnectionException, InterruptedException {
    say(message);
    return answer();
  }

  /** Returns the client's answer to an order. */
  byte[] answer() throws InterruptedException {
    byte[] answer = answers.poll(30, TimeUnit.SECONDS);
    if (answer == null) {
      throw new AssertionError("the client does not answer");
    }
    return answer;
  }

  /** Waits until the client has closed the connection. */
  void awaitEnd() throws InterruptedException {
    thread.join(TimeUnit.SECONDS.toMillis(30));
    if (thread.isAlive()) {
      throw new AssertionError("the client keeps the connection");
    }
  }

  @Override
  public void close() {
    socket.close();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

package io.vferry.runtime.error;

import io.vferry.spi.error.ErrorCode;

/** The failures that the runtime itself finds; 2000 to 2999. */
public enum RuntimeError implements ErrorCode {
  // Migration: 2001 to 2049.
  /** The peer said something that makes no sense, now or at all. */
  PROTOCOL_VIOLATION(2001, "Run the same version of vferry on both sides; if it is, report this."),
  /** The connection to the peer is lost. */
  PEER_LOST(2002, "Check the network and the other side's output, then migrate again."),
  /** The destination does not take the virtual machine. */
  DESTINATION_REFUSED(2003, "Correct on the destination what the message names."),
  /** The predicted downtime never came below the limit. */
  NOT_CONVERGING(2004, "Raise downtime-limit or max-bandwidth, or allow force-switchover."),
  /** Something took longer than its deadline. */
  DEADLINE_MISSED(2005, "Look at what is named; raise its deadline if it is slow but sound."),
  /** The data that arrived are not the data that were sent. */
  DATA_MISMATCH(2006, "Migrate again; if it happens again, check the memory of both hosts."),
  /** The destination found that something was lost. */
  AUDIT_FAILED(2007, "Keep the guest on the source and report the violations."),
  /** Somebody asked to stop the migration. */
  CANCELLED(2008, "Nothing is to do: the guest runs on the source."),
  /** The other side gave up. */
  PEER_ABORTED(2009, "See the other side's message."),
  /** The guest could not be started on the destination after the source let go of it. */
  START_FAILED(
      2010, "The source must not run the guest; repair the destination and start it there."),
  /** The connection was lost while it was open who runs the guest. */
  IN_DOUBT(2011, "Compare the journals of both sides before the guest is started anywhere."),
  /** The journal cannot be written. */
  JOURNAL_FAILED(2012, "Make the journal directory writable and make room on its disk."),
  /** The plan says that this migration cannot be. */
  PLAN_BLOCKED(2014, "Remove what is in the way; 'vferry plan' shows all of it."),
  /** An unexpected exception in the runtime. */
  INTERNAL(2013, "Report this with the stack trace."),

  // Transport: 2050 to 2069.
  /** No connection to the other side came about. */
  TRANSPORT_CONNECT_FAILED(
      2050, "Check that the destination listens there and no firewall blocks it."),
  /** The address to listen on cannot be used. */
  TRANSPORT_BIND_FAILED(2051, "Choose another address or port, or stop who uses it."),
  /** The other side speaks another protocol, another version, or belongs to another session. */
  TRANSPORT_HANDSHAKE_FAILED(2052, "Use the same version and security settings on both sides."),
  /** A connection broke. */
  TRANSPORT_LOST(2053, "Check the network and the other side's output, then migrate again."),
  /** The other side is connected but did nothing for too long. */
  TRANSPORT_STALLED(2054, "See whether the other side hangs or the network is down."),
  /** The other side broke the rules of the protocol. */
  TRANSPORT_VIOLATION(2055, "Run the same version of vferry on both sides; if it is, report this."),
  /** Bytes were damaged on their way. */
  TRANSPORT_CORRUPT(2056, "Migrate again; if it happens again, check network and memory."),
  /** A chunk of a stream is missing or came twice. */
  TRANSPORT_STREAM_BROKEN(2057, "Migrate again; if it happens again, report this."),
  /** The session was closed on this side. */
  TRANSPORT_CLOSED(2058, "Nothing is to do if the migration was meant to end."),
  /** Keys or certificates cannot be used. */
  TRANSPORT_BAD_CREDENTIALS(2059, "Correct the file that the message names."),
  /** The other side could not prove who it is. */
  TRANSPORT_UNTRUSTED(2060, "Give both sides certificates that the other side's ca.pem signed.");

  private final int number;
  private final String advice;

  RuntimeError(int number, String advice) {
    this.number = number;
    this.advice = advice;
  }

  @Override
  public int number() {
    return number;
  }

  @Override
  public String advice() {
    return advice;
  }
}

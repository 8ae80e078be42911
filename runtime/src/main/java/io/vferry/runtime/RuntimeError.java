package io.vferry.runtime;

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
  START_FAILED(2010, "The source must not run the guest; repair the destination and start it there."),
  /** The connection was lost while it was open who runs the guest. */
  IN_DOUBT(2011, "Compare the journals of both sides before the guest is started anywhere."),
  /** The journal cannot be written. */
  JOURNAL_FAILED(2012, "Make the journal directory writable and make room on its disk."),
  /** An unexpected exception in the runtime. */
  INTERNAL(2013, "Report this with the stack trace.");

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

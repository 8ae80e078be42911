package io.vferry.vendor.hisiacc.model;

/**
 * Where the fields of a queue's context are, 32 bytes in guest memory.
 *
 * <p>Source: Linux 6.12, {@code struct qm_sqc} and {@code struct qm_cqc}, {@code
 * drivers/crypto/hisilicon/qm.c}.
 */
final class HisiAccContexts {

  static final int BYTES = 32;
  static final int HEAD = 0;
  static final int TAIL = 2;
  static final int BASE_LOW = 4;
  static final int BASE_HIGH = 8;
  static final int SHAPE = 12;
  static final int WRAP = 22;
  static final int WRAP_BIT = 1 << 6;
  static final int CQ_NUMBER = 24;
  static final int CQ_FLAGS = 24;
  static final int CQ_PHASE = 1;
  static final int CQ_ARMED = 2;

  /** An entry of a completion queue. */
  static final int CQE_BYTES = 16;

  static final int CQE_SQ_HEAD = 8;
  static final int CQE_SQ_NUMBER = 10;
  static final int CQE_PHASE = 14;

  /** What the model takes for a task. The fields of the real one depend on the accelerator. */
  static final int TASK_ID = 0;

  static final int TASK_SOURCE = 8;
  static final int TASK_TARGET = 16;
  static final int TASK_LENGTH = 24;
  static final int TASK_MAX_LENGTH = 4096;

  /** What the model writes as a result: the task, how often it was done, a checksum. */
  static final int RESULT_BYTES = 16;

  static final int RESULT_ID = 0;
  static final int RESULT_TIMES = 8;
  static final int RESULT_CHECKSUM = 12;

  private HisiAccContexts() {}
}

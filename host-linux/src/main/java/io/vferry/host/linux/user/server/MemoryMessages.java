package io.vferry.host.linux.user.server;

/**
 * Memory of a client that is reached by commands of the server, one or more for each access; the
 * bytes are counted by I/O virtual address. Any thread; each call waits for the client's answer.
 * Beside what each access throws: {@code TIMEOUT} if the client does not answer, {@code
 * DEVICE_LOST} if it is gone.
 */
interface MemoryMessages extends ByteAccess {}

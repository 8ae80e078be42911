/**
 * Calls into the C library and what they take: files, memory, event counters, error numbers. Knows
 * nothing of VFIO.
 */
package io.vferry.host.linux.syscall;

/**
 * Finds what can be swapped at deploy time: drivers, host backends, device models and adaptors to
 * virtual machines. Start at {@link io.vferry.runtime.discovery.Discovery}.
 */
package io.vferry.runtime.discovery;

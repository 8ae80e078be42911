package io.vferry.host.linux.user.server;

/**
 * What one client did.
 *
 * @param commands how many commands came
 * @param refusals how many of them were refused
 * @param savedBytes bytes of migration data that it read
 * @param loadedBytes bytes of migration data that it wrote
 */
public record SessionCounters(long commands, long refusals, long savedBytes, long loadedBytes) {}

package io.vferry.vendor.mlx5.queue;

import io.vferry.vendor.mlx5.command.Words;

/**
 * What the physical function told on its own.
 *
 * @param type as in {@link io.vferry.vendor.mlx5.prm.EventType}
 * @param data 28 bytes
 */
public record Event(int type, Words data) {}

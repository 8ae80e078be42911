package io.vferry.runtime.migration;

import java.nio.ByteBuffer;

/**
 * A stream that has ended, as its sender or its receiver saw it.
 *
 * @param stream number
 * @param chunks how many
 * @param bytes their payload together
 * @param digest over the chunks in order; 32 bytes, read-only
 */
public record StreamSummary(int stream, long chunks, long bytes, ByteBuffer digest) {}

package io.vferry.runtime.engine;

import io.vferry.runtime.migration.Event;
import io.vferry.runtime.transport.ChunkPool;
import io.vferry.runtime.transport.ChunkSender;
import java.util.function.Consumer;

/**
 * What the sending agents of a source share.
 *
 * @param pool where copies of memory that may still change, and device data, are kept until sent
 */
record SendContext(ChunkSender sender, ChunkPool pool, Consumer<Event> events) {}

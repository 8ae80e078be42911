package io.vferry.host.linux.user.server;

import io.vferry.host.linux.syscall.Fd;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

/**
 * What a session does about a command.
 *
 * @param message the whole reply, header included; empty if there is none. Valid until the next
 *     command
 * @param twinSocket whether the client's end of a second socket goes with it
 * @param files what goes with it; whoever sends it closes them
 * @param hangUp why the conversation is over when it is sent, one sentence without a full stop;
 *     empty if it goes on
 */
record Answer(ByteBuffer message, boolean twinSocket, List<Fd> files, Optional<String> hangUp) {}

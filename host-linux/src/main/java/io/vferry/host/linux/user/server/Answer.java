package io.vferry.host.linux.user.server;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * What a session does about a command.
 *
 * @param message the whole reply, header included; empty if there is none. Valid until the next
 *     command
 * @param twinSocket whether the client's end of a second socket goes with it
 * @param hangUp why the conversation is over when it is sent, one sentence without a full stop;
 *     empty if it goes on
 */
record Answer(ByteBuffer message, boolean twinSocket, Optional<String> hangUp) {}

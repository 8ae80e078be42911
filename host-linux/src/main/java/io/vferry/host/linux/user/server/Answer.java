package io.vferry.host.linux.user.server;

import java.nio.ByteBuffer;

/**
 * What a session does about a command.
 *
 * @param message the whole reply, header included; empty if there is none. Valid until the next
 *     command
 * @param twinSocket whether the client's end of a second socket goes with it
 * @param hangUp whether the conversation is over when it is sent
 */
record Answer(ByteBuffer message, boolean twinSocket, boolean hangUp) {}

package io.vferry.host.linux.user.server;

/**
 * What a client said of itself.
 *
 * @param major major version that it proposed
 * @param minor minor version that both sides agreed on
 * @param maxMsgFds how many files it takes with one message
 * @param maxDataXferSize how many bytes of data it takes in one message
 * @param twinSocket whether commands of the server go over a second socket
 */
public record ClientInfo(
    int major, int minor, int maxMsgFds, int maxDataXferSize, boolean twinSocket) {}

/**
 * Does what the roles want done: operates devices and the VM, moves their data, and keeps the
 * record. All work is done by agents that are stepped; who steps them is a port.
 */
package io.vferry.runtime.engine;

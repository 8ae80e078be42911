/**
 * The two roles of a migration as state machines: they take events and give actions, and own no
 * thread, clock, socket or file.
 */
package io.vferry.runtime.migration;

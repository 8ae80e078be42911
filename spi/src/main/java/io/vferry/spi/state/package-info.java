/** The migration state machine: states, arcs, feature sets and the paths between states. */
package io.vferry.spi.state;

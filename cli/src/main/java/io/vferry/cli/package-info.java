/** The commands, and what they need of the process they run in. */
package io.vferry.cli;

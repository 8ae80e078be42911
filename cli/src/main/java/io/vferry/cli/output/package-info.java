/** What people and programs get to read. */
package io.vferry.cli.output;

/** What is told of a migration while it runs and when it is over. */
package io.vferry.runtime.report;

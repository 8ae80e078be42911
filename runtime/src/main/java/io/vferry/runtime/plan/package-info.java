/** What is to be moved, and whether and how it can be. */
package io.vferry.runtime.plan;

/** Measurements of whole migrations; each compares with something bare in the same run. */
package io.vferry.bench;

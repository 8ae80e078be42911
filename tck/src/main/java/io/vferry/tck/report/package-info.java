/** The results of the conformance kit for people and programs. */
package io.vferry.tck.report;

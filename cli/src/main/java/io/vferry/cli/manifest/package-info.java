/** Reads manifests, with the place of each mistake. */
package io.vferry.cli.manifest;

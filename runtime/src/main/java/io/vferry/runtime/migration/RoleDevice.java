package io.vferry.runtime.migration;

import io.vferry.spi.state.FeatureSet;

/**
 * What a role knows of a device from the beginning.
 *
 * @param id its name in the manifest
 */
public record RoleDevice(String id, FeatureSet features) {}

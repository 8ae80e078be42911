package io.vferry.vendor.hisiacc.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Ways to cut a stream. */
enum HisiAccSplit {
  WHOLE(176),
  BYTES(1),
  SEVENS(7),
  MATCH_FIRST(40, 136),
  INSIDE_THE_MATCH(24, 152),
  INSIDE_THE_CONTEXT(70, 106);

  private final int[] lengths;

  HisiAccSplit(int... lengths) {
    this.lengths = lengths;
  }

  List<byte[]> cut(byte[] stream) {
    List<byte[]> pieces = new ArrayList<>();
    int at = 0;
    for (int piece = 0; at < stream.length; piece++) {
      int end = Math.min(stream.length, at + lengths[piece % lengths.length]);
      pieces.add(Arrays.copyOfRange(stream, at, end));
      at = end;
    }
    return pieces;
  }
}

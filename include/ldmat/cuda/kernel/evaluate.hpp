#pragma once

#include <ldmat/cuda/kernel/gram_gradient.hpp>
#include <ldmat/cuda/kernel/memory.hpp>
#include <ldmat/cuda/kernel/product.hpp>

/// The launches of a call, in order. A Device has launch(kernel, blocks), zero(pointer, bytes) and
/// multiply(product): a stream of a GPU (device.hpp), or this processor (serial.hpp), on which tests
/// run every line of this.

namespace ldmat::detail::cuda {

/// Dimension from which products are used, for metrics that allow both: where a CPU begins to.
inline constexpr Index products_from_width = 24;

template <class Device, class T>
void zero(Device& device, T* data, Index count) {
  device.zero(data, static_cast<std::size_t>(count) * sizeof(T));
}

/// The features by rows in memory.packed.
template <class M, class Device, class S, class T>
MatrixView<const T> pack(Device& device, MatrixView<const S> x, T* to, T* inverse_norms) {
  const Index width = packed_width<M>(x.columns);
  const MatrixView<T> packed{to, x.rows, width, feature_stride(width), 1};
  if constexpr (M::of_directions) {
    device.launch(PackDirections<S, T>{x, packed, inverse_norms}, x.rows);
  } else {
    device.launch(PackFeatures<S, T>{x, packed}, blocks_for(x.rows * x.columns));
  }
  return {packed.data, packed.rows, packed.columns, packed.row_stride, packed.column_stride};
}

/// All pairs by differences. Returns the gradient of the penalty sum.
template <bool Wide, bool WithGradient, class Device, class T, class M, class P, class Source>
MatrixView<const T> play_games(Device& device, MatrixView<const T> x, const M& metric,
                               const P& penalty, const Source& source, const Observer& observer,
                               const CallMemory<T>& memory) {
  using Tile = DirectTile<T, Wide>;
  const Index tiles = Tile::tiles(x.rows);
  const Index stride = tiles * Tile::size;
  const Index slot = x.columns * stride;
  if constexpr (WithGradient) zero(device, memory.gradient, slot);
  for (Index first = 0; first < tiles; first += memory.rounds) {
    const Index rounds = std::min(memory.rounds, tiles - first);
    device.launch(
        DirectGames<T, Wide, WithGradient, M, P, Source>{x, metric, penalty, source, observer,
                                                         tiles, first, rounds, memory.game_sums,
                                                         memory.slots, stride},
        rounds * tiles);
    device.launch(AddSums{memory.report, memory.game_sums, rounds * tiles, tiles, first}, 1);
    if constexpr (WithGradient) {
      device.launch(AddSlots<T>{memory.slots, rounds, slot, memory.gradient}, blocks_for(slot));
    }
  }
  return {memory.gradient, x.rows, x.columns, 1, stride};
}

/// All pairs by products.
template <bool WithGradient, class Device, class T, class M, class P, class Source>
MatrixView<const T> multiply_panels(Device& device, MatrixView<const T> x, const M& metric,
                                    const P& penalty, const Source& source,
                                    const Observer& observer, const CallMemory<T>& memory) {
  const Index n = x.rows;
  const Index width = x.columns;
  const Index stride = x.row_stride;
  const Index chunks = blocks_for(n, SumColumns<T>::chunk);
  device.launch(SumColumns<T>{x, memory.mean_parts}, SumColumns<T>::blocks(n, width));
  device.launch(Mean<T>{memory.mean_parts, chunks, width, n, memory.mean}, blocks_for(width));
  device.launch(Centre<T>{x, memory.mean, {memory.centred, n, width, stride, 1}, memory.norms}, n);
  const MatrixView<T> gradient{memory.gradient, n, width, stride, 1};
  if constexpr (WithGradient) {
    zero(device, memory.gradient, n * stride);
    zero(device, memory.coefficient_sums, n);
  }
  const auto row = [&](Index i) { return memory.centred + i * stride; };
  // What a panel adds to the gradient of its rows or, transposed, of its columns.
  const auto add_gradient = [&](const GramPanel<T>& panel, bool transposed) {
    const Index to = transposed ? panel.column : panel.row;
    const Index from = transposed ? panel.row : panel.column;
    const Index count = transposed ? panel.columns : panel.rows;
    device.launch(AddCoefficients<T>{transposed ? panel.column_sums : panel.row_sums,
                                     transposed ? panel.row_tiles() : panel.column_tiles(),
                                     panel.stride, count, memory.coefficient_sums + to},
                  blocks_for(count));
    device.multiply(Product<T>{count, width, transposed ? panel.rows : panel.columns,
                               panel.products, panel.stride, transposed, row(from), stride, false,
                               memory.gradient + to * stride, stride, true});
    device.launch(MoveNear<T>{x, panel, transposed, gradient},
                  MoveNear<T>::blocks(panel, transposed, width));
  };
  const Index panel_rows = memory.panel_rows;
  for (Index i = 0; i < n; i += panel_rows) {
    for (Index j = i; j < n; j += panel_rows) {
      GramPanel<T> panel = memory.panel;
      panel.row = i;
      panel.rows = std::min(panel_rows, n - i);
      panel.column = j;
      panel.columns = std::min(panel_rows, n - j);
      device.multiply(Product<T>{panel.rows, panel.columns, width, row(i), stride, false, row(j),
                                 stride, true, panel.products, panel.stride, false});
      device.launch(
          GramEpilogue<T, M, P, Source>{x, memory.norms, panel, metric, penalty, source, observer},
          panel.tiles());
      device.launch(AddSums{memory.report, panel.tile_sums, panel.tiles()}, 1);
      if constexpr (WithGradient) {
        add_gradient(panel, false);
        if (!panel.diagonal()) add_gradient(panel, true);
      }
    }
  }
  if constexpr (WithGradient) {
    device.launch(
        FinishGram<T>{{memory.centred, n, width, stride, 1}, memory.coefficient_sums, gradient},
        blocks_for(n * width));
  }
  return {memory.gradient, n, width, stride, 1};
}

/// From features and target to sums, in memory.report, and the gradient of the penalty sum.
template <bool WithGradient, class Device, class T, class M, class P, class Source>
MatrixView<const T> evaluate_pairs(Device& device, MatrixView<const T> packed, bool gram,
                                   const M& metric, const P& penalty, const Source& source,
                                   const Observer& observer, const CallMemory<T>& memory) {
  if constexpr (M::from_squared_norm) {
    if (gram) {
      return multiply_panels<WithGradient>(device, packed, metric, penalty, source, observer,
                                           memory);
    }
  }
  if (is_wide(packed.columns)) {
    return play_games<true, WithGradient>(device, packed, metric, penalty, source, observer,
                                          memory);
  }
  return play_games<false, WithGradient>(device, packed, metric, penalty, source, observer, memory);
}

/// Scales the gradient, converts it and writes it, unless the call was refused.
template <class M, class Device, class T, class G>
void write_gradient(Device& device, MatrixView<const T> packed_gradient, MatrixView<const T> packed,
                    const CallMemory<T>& memory, MatrixView<G> gradient) {
  if constexpr (M::of_directions) {
    device.launch(WriteDirectionGradient<T, G>{packed_gradient, packed, memory.inverse_norms,
                                               memory.report, gradient},
                  gradient.rows);
  } else {
    device.launch(WriteGradient<T, G>{packed_gradient, memory.report, gradient},
                  blocks_for(gradient.rows * gradient.columns));
  }
}

}  // namespace ldmat::detail::cuda

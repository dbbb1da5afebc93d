// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/run/trace_file.h"

#include "engine/error.h"

namespace statescope {
namespace {

bool belongs_to_layer(Quantity quantity) {
  return quantity != Quantity::logits && quantity != Quantity::hidden;
}

std::string tensor_name(Quantity quantity, std::int64_t layer) {
  const std::string name = quantity_name(quantity);
  return belongs_to_layer(quantity) ? "layer." + std::to_string(layer) + "." + name : name;
}

std::vector<std::int64_t> shape(Quantity quantity, const ModelSizes& s, std::int64_t T) {
  switch (quantity) {
    case Quantity::logits:
      return {T, s.vocab};
    case Quantity::hidden:
      return {s.layers + 1, T, s.d_model};
    case Quantity::B:
    case Quantity::C:
      return {T, s.d_state};
    case Quantity::h:
      return {T, s.d_inner, s.d_state};
    default:
      return {T, s.d_inner};
  }
}

TraceSelection computed(const ModelInfo& info, TraceSelection selection) {
  std::erase_if(selection.quantities, [&](Quantity quantity) { return !computes(info, quantity); });
  return selection;
}

std::vector<TensorDeclaration> declarations(const ModelInfo& info, std::int64_t T, const TraceSelection& selection) {
  std::vector<TensorDeclaration> tensors{{"ids", Dtype::i32, {T}}};
  for (const Quantity quantity : selection.quantities) {
    if (!belongs_to_layer(quantity)) {
      tensors.push_back({tensor_name(quantity, 0), Dtype::f32, shape(quantity, info.sizes, T)});
      continue;
    }
    for (const std::int64_t layer : selection.layers) {
      if (layer < 0 || layer >= info.sizes.layers)
        throw Error("there is no layer " + std::to_string(layer) + " in " + info.name + ", which has layers 0 to " +
                    std::to_string(info.sizes.layers - 1));
      tensors.push_back({tensor_name(quantity, layer), Dtype::f32, shape(quantity, info.sizes, T)});
    }
  }
  return tensors;
}

}  // namespace

TraceFileWriter::TraceFileWriter(const std::filesystem::path& path, const ModelInfo& info,
                                 std::span<const std::int32_t> ids, const std::string& prompt, TraceSelection selection)
    : selection_(computed(info, std::move(selection))),
      tokens_(static_cast<std::int64_t>(ids.size())),
      file_(path.string(), declarations(info, tokens_, selection_),
            {{"format", "statescope-trace"}, {"version", "1"}, {"model", info.name}, {"prompt", prompt}}) {
  file_.write("ids", 0, ids);
}

bool TraceFileWriter::wants(Quantity quantity, std::int64_t layer) const {
  return selection_.quantities.count(quantity) && (!belongs_to_layer(quantity) || selection_.layers.count(layer));
}

void TraceFileWriter::record(Quantity quantity, std::int64_t layer, std::int64_t first, MatrixView<const float> rows) {
  // hidden holds all layers in one tensor, layer by layer.
  const std::int64_t row = quantity == Quantity::hidden ? layer * tokens_ + first : first;
  const std::int64_t at_once = rows.stride == rows.cols ? std::max<std::int64_t>(rows.rows, 1) : 1;
  for (std::int64_t t = 0; t < rows.rows; t += at_once)
    file_.write(tensor_name(quantity, layer), static_cast<std::uint64_t>((row + t) * rows.cols),
                std::span(rows.row(t), static_cast<std::size_t>(at_once * rows.cols)));
}

}  // namespace statescope

/// DepthToSpace and SpaceToDepth (ONNX opset 1, 11, 13): blocks of pixels to channels and back. PyTorch's
/// PixelShuffle is DepthToSpace in mode CRD; its PixelUnshuffle has no ONNX operator of its own.
#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

/// Both relate a deep tensor to a wide one, whose rows and columns are `block` times as many.
class BlockLayer final : public SimpleRowLayer<BlockLayer> {
 public:
  BlockLayer(bool to_space, int64_t block, DepthOrder order)
      : to_space_(to_space), block_(block), crd_(order == DepthOrder::kCrd) {}

  std::string_view type() const override { return to_space_ ? "DepthToSpace" : "SpaceToDepth"; }
  Attributes attributes() const override {
    Attributes out = {{"blocksize", block_}};
    if (to_space_) out["mode"] = std::string(crd_ ? "CRD" : "DCR");
    return out;
  }
  Window rows(int64_t) const override {
    return {.kind = to_space_ ? Window::Kind::kScatter : Window::Kind::kGather,
            .kernel = block_,
            .stride = block_};
  }
  Window columns(int64_t src) const override { return rows(src); }
  BackwardReads backward_reads() const override { return {.src = false}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    const Shape& src = srcs[0];
    const int64_t square = block_ * block_;
    if (to_space_) {
      if (src.channels % square != 0) {
        Fail(ErrorCode::kUnsupported, "{} channels cannot be divided into blocks of {} × {}", src.channels,
             block_, block_);
      }
      return {src.channels / square, src.height * block_, src.width * block_};
    }
    if (src.height % block_ != 0 || src.width % block_ != 0) {
      Fail(ErrorCode::kUnsupported, "{} rows and {} columns cannot be divided into blocks of {} × {}",
           src.height, src.width, block_, block_);
    }
    return {src.channels * square, src.height / block_, src.width / block_};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Tensor& src = *args.srcs[0];
    ForEach(to_space_ ? dst->shape : src.shape, [&](int64_t c, int64_t y, int64_t x, int64_t deep) {
      if (to_space_) {
        dst->Row(c, y)[x] = src.Row(deep, y / block_)[x / block_];
      } else {
        dst->Row(deep, y / block_)[x / block_] = src.Row(c, y)[x];
      }
    });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    ForEach(to_space_ ? dst.shape : args.srcs[0]->shape, [&](int64_t c, int64_t y, int64_t x, int64_t deep) {
      if (to_space_) {
        diff_src->Row(deep, y / block_)[x / block_] += diff_dst.Row(c, y)[x];
      } else {
        diff_src->Row(c, y)[x] += diff_dst.Row(deep, y / block_)[x / block_];
      }
    });
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const Range wide = to_space_ ? context.dst_columns : context.src_columns;
    const Range deep = to_space_ ? context.src_columns : context.dst_columns;
    ForEachRow(row.y, context, [&](int64_t c, int64_t y, int64_t i) {
      for (int64_t x = wide.begin; x < wide.end; ++x) {
        const int64_t d = Deep(c, i, x % block_, Channels(context)), k = x / block_ - deep.begin;
        if (k < 0 || k >= deep.size()) continue;
        if (to_space_) {
          row.dst[c][x - wide.begin] = row.srcs[0].At(y / block_, d)[k];
        } else {
          row.dst[d][k] = row.srcs[0].At(y, c)[x - wide.begin];
        }
      }
    });
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const Range wide = to_space_ ? context.dst_columns : context.src_columns;
    const Range deep = to_space_ ? context.src_columns : context.dst_columns;
    ForEachRow(row.y, context, [&](int64_t c, int64_t y, int64_t i) {
      for (int64_t x = wide.begin; x < wide.end; ++x) {
        const int64_t d = Deep(c, i, x % block_, Channels(context)), k = x / block_ - deep.begin;
        if (k < 0 || k >= deep.size()) continue;
        if (to_space_) {
          if (T* diff_src = row.diff_srcs[0].At(y / block_, d))
            diff_src[k] += row.diff_dst[c][x - wide.begin];
        } else if (T* diff_src = row.diff_srcs[0].At(y, c)) {
          diff_src[x - wide.begin] += row.diff_dst[d][k];
        }
      }
    });
  }

 private:
  int64_t Channels(const KernelContext& context) const {
    return to_space_ ? context.dst.channels : context.srcs[0].channels;
  }

  /// The deep channel of pixel (i, j) of a block in a wide channel. ONNX's SpaceToDepth and the mode DCR have
  /// the block outside, CRD has it inside.
  int64_t Deep(int64_t wide, int64_t i, int64_t j, int64_t wide_channels) const {
    return crd_ ? (wide * block_ + i) * block_ + j : (i * block_ + j) * wide_channels + wide;
  }

  template <class F>
  void ForEach(const Shape& wide, F&& f) const {
    for (int64_t c = 0; c < wide.channels; ++c) {
      for (int64_t y = 0; y < wide.height; ++y) {
        for (int64_t x = 0; x < wide.width; ++x) f(c, y, x, Deep(c, y % block_, x % block_, wide.channels));
      }
    }
  }

  /// Calls f(channel, row, row in the block) for the wide rows that meet row y of dst.
  template <class F>
  void ForEachRow(int64_t y, const KernelContext& context, F&& f) const {
    for (int64_t c = 0; c < Channels(context); ++c) {
      if (to_space_) {
        f(c, y, y % block_);
      } else {
        for (int64_t i = 0; i < block_; ++i) f(c, y * block_ + i, i);
      }
    }
  }

  bool to_space_;
  int64_t block_;
  bool crd_;
};

int64_t ReadBlock(AttributeReader* reader) {
  const int64_t block = reader->Int("blocksize", 0);
  if (block < 1 || block > 4096) Fail(ErrorCode::kUnsupported, "blocksize is {}, expected 1 to 4096", block);
  return block;
}

}  // namespace

std::shared_ptr<const Layer> MakeDepthToSpace(int64_t block, DepthOrder order) {
  return std::make_shared<BlockLayer>(true, block, order);
}

std::shared_ptr<const Layer> MakeSpaceToDepth(int64_t block) {
  return std::make_shared<BlockLayer>(false, block, DepthOrder::kDcr);
}

std::shared_ptr<const Layer> DepthToSpaceFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const int64_t block = ReadBlock(&reader);
  const std::string mode = reader.String("mode", "DCR");
  reader.Finish();
  if (mode != "DCR" && mode != "CRD")
    Fail(ErrorCode::kUnsupported, "mode is '{}', expected DCR or CRD", mode);
  return MakeDepthToSpace(block, mode == "CRD" ? DepthOrder::kCrd : DepthOrder::kDcr);
}

std::shared_ptr<const Layer> SpaceToDepthFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const int64_t block = ReadBlock(&reader);
  reader.Finish();
  return MakeSpaceToDepth(block);
}

}  // namespace swath

#include "otimes/vech.hpp"

#include <cstring>  // std::memcpy

namespace otimes {

template <class Word>
void gather_lower(MatrixView<const Word> a, index_t offset, Word* out) {
    for (index_t j = 0; j + offset < a.cols; ++j) {
        const index_t first = j + offset, count = a.rows - first;
        const Word* column = &a(first, j);
        if (a.row_stride == 1)
            std::memcpy(out, column, static_cast<std::size_t>(count) * sizeof(Word));
        else
            for (index_t i = 0; i < count; ++i) out[i] = column[i * a.row_stride];
        out += count;
    }
}

template <class Word>
void scatter_lower(const Word* v, index_t step, index_t offset, bool mirror, MatrixView<Word> a) {
    for (index_t j = 0; j + offset < a.cols; ++j)
        for (index_t i = j + offset; i < a.rows; ++i, v += step) {
            a(i, j) = *v;
            if (mirror) a(j, i) = *v;
        }
}

#define OTIMES_INSTANTIATE(Word)                                                                   \
    template void gather_lower(MatrixView<const Word>, index_t, Word*);                            \
    template void scatter_lower(const Word*, index_t, index_t, bool, MatrixView<Word>);
OTIMES_INSTANTIATE(std::uint8_t)
OTIMES_INSTANTIATE(std::uint16_t)
OTIMES_INSTANTIATE(std::uint32_t)
OTIMES_INSTANTIATE(word64)
OTIMES_INSTANTIATE(word128)
#undef OTIMES_INSTANTIATE

}  // namespace otimes

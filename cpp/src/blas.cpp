#include "otimes/blas.hpp"

// Only the bundled OpenBLAS is private, so only its thread count is ours to set.
#ifdef OTIMES_BUNDLED_OPENBLAS
extern "C" {
char* scipy_openblas_get_config();
char* scipy_openblas_get_corename();
int scipy_openblas_get_num_threads();
void scipy_openblas_set_num_threads(int);
}
#endif

namespace otimes::blas {

#ifdef OTIMES_BUNDLED_OPENBLAS
const char* config() { return scipy_openblas_get_config(); }
const char* core_name() { return scipy_openblas_get_corename(); }
int get_num_threads() { return scipy_openblas_get_num_threads(); }
void set_num_threads(int n) { scipy_openblas_set_num_threads(n); }
#else
const char* config() { return "system BLAS/LAPACK"; }
const char* core_name() { return "unknown"; }
int get_num_threads() { return 1; }
void set_num_threads(int) {}
#endif

}  // namespace otimes::blas

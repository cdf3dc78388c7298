// The BLAS and LAPACK functions that libmlx imports, each a jump to OpenBLAS's
// function of the same name behind the prefix scipy_. A jump leaves every
// argument where it is, so no signature is repeated here. The library is loaded
// before libmlx and its symbols are global: they win over the reference BLAS
// that comes in MLX's wheel.

#if defined(__x86_64__)
.macro forward name
	.globl \name
	.type \name, @function
\name:
	jmp *scipy_\name@GOTPCREL(%rip)
	.size \name, . - \name
.endm
#elif defined(__aarch64__)
.macro forward name
	.globl \name
	.type \name, %function
\name:
	adrp x16, :got:scipy_\name
	ldr x16, [x16, :got_lo12:scipy_\name]
	br x16
	.size \name, . - \name
.endm
#else
#error "no BLAS forwarding for this processor"
#endif

	.text
	forward cblas_sgemm
	forward cblas_dgemm
	forward cblas_cgemm
	forward sgeev_
	forward dgeev_
	forward cgeev_
	forward sgeqrf_
	forward dgeqrf_
	forward sorgqr_
	forward dorgqr_
	forward sgesdd_
	forward dgesdd_
	forward cgesdd_
	forward sgetrf_
	forward dgetrf_
	forward sgetri_
	forward dgetri_
	forward spotrf_
	forward dpotrf_
	forward ssyevd_
	forward dsyevd_
	forward cheevd_
	forward strtri_
	forward dtrtri_

#if defined(__linux__)
	.section .note.GNU-stack, "", %progbits
#endif

#include "textflag.h"

DATA low<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL low<>(SB), RODATA|NOPTR, $8
DATA join<>+0(SB)/8, $0x1001100110011001
GLOBL join<>(SB), RODATA|NOPTR, $8
DATA high<>+0(SB)/8, $0x8080808080808080
GLOBL high<>(SB), RODATA|NOPTR, $8

// func nibblesAVX2(dst *uint32, src *byte, pairs, size int)
// Two blocks at a time, one in each half of a register: the low nibbles and the high
// ones as bytes, neighbours joined (1 and 16 times), and narrowed again.
TEXT ·nibblesAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ pairs+16(FP), CX
	MOVQ size+24(FP), DX
	VPBROADCASTQ low<>(SB), Y6
	VPBROADCASTQ join<>(SB), Y7

loop:
	VMOVDQU      (SI), X0
	VINSERTI128  $1, (SI)(DX*1), Y0, Y0
	LEAQ         (SI)(DX*2), SI
	VPSRLW       $4, Y0, Y1
	VPAND        Y6, Y0, Y0
	VPAND        Y6, Y1, Y1
	VPMADDUBSW   Y7, Y0, Y0
	VPMADDUBSW   Y7, Y1, Y1
	VPACKUSWB    Y1, Y0, Y0
	VMOVDQU      Y0, (DI)
	ADDQ         $32, DI
	DECQ         CX
	JNZ          loop
	VZEROUPPER
	RET

// func bytesAVX2(dst *uint32, src *byte, blocks, size int)
// The 32 bytes at each block, their highest bits turned.
TEXT ·bytesAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ size+24(FP), DX
	VPBROADCASTQ high<>(SB), Y7

loop:
	VPXOR   (SI), Y7, Y0
	VMOVDQU Y0, (DI)
	ADDQ    DX, SI
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET

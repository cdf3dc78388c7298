package runtime

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// DeviceType tells CPU from GPU.
type DeviceType = bindings.DeviceType

// The device types. GPU is Metal on macOS and CUDA elsewhere.
const (
	CPU = bindings.CPU
	GPU = bindings.GPU
)

// Device is a processor that MLX computes on. The zero value is the CPU.
type Device struct {
	Type  DeviceType
	Index int
}

// String reads "gpu:0".
func (d Device) String() string { return fmt.Sprintf("%v:%d", d.Type, d.Index) }

// open makes MLX's handle of d, or says that there is no such device.
func (d Device) open() (bindings.Device, error) {
	if d.Index < 0 {
		return bindings.Device{}, newError("device", fmt.Errorf("the index of %v is negative", d))
	}
	n, err := bindings.DeviceCount(d.Type)
	if err != nil {
		return bindings.Device{}, newError("device_count", err)
	}
	if d.Index >= int(n) {
		return bindings.Device{}, newError("device", fmt.Errorf("there is no %v: MLX finds %d of this type", d, n))
	}
	dev, err := bindings.NewDeviceType(d.Type, int32(d.Index))
	if err != nil {
		return bindings.Device{}, newError("device_new_type", err)
	}
	return dev, nil
}

// Device returns the device that the thread computes on.
func (t *Thread) Device() (Device, error) {
	if _, err := t.live(); err != nil {
		return Device{}, err
	}
	return t.e.main.device, nil
}

// deviceOf asks MLX for the type and index of a thread's device.
func deviceOf(e *engine) (Device, error) {
	kind, err := e.device.GetType()
	if err != nil {
		return Device{}, err
	}
	index, err := e.device.GetIndex()
	return Device{kind, int(index)}, err
}

// DeviceInfo returns what MLX knows of the thread's device, as text: its
// device_name, architecture, memory sizes in bytes. The keys differ by backend.
func (t *Thread) DeviceInfo() (map[string]string, error) {
	info := map[string]string{}
	err := t.call("device_info", func(e *engine) error {
		h, err := bindings.GetDeviceInfo(e.device)
		if err != nil {
			return err
		}
		defer h.Close()
		keys, err := h.GetKeys()
		if err != nil {
			return err
		}
		for _, k := range keys {
			if info[k], err = infoText(h, k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return info, nil
}

func infoText(h bindings.DeviceInfo, key string) (string, error) {
	text, err := h.IsString(key)
	if err != nil {
		return "", err
	}
	if text {
		return h.GetString(key)
	}
	n, err := h.GetSize(key)
	return fmt.Sprint(n), err
}

package main

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"os"
)

// sink takes the messages of the stream, in order.
type sink interface {
	send(subject string, body []byte) error
	// close waits until all are where they belong, and proves it.
	close(count uint64) error
}

// outlet is the way to the sinks; late messages wait in it.
type outlet struct {
	sinks   []sink
	count   uint64
	skip    uint64  // so many of the first were sent by an earlier run
	waiting delayed // until so many have passed
	held    delayed // until a time
	order   uint64  // of the late ones: they keep it when due together
	now     int64   // time of the newest event that came by
}

// parcel is a message on its way to the stream.
type parcel struct {
	subject string
	body    []byte
	row     *row // nil: nobody asks where it came to stand
}

func (o *outlet) send(subject string, body []byte) error {
	return o.pass(parcel{subject: subject, body: body})
}

// pass sends a message in its turn, and then those that have waited for it.
func (o *outlet) pass(m parcel) error {
	if m.row != nil {
		o.now = max(o.now, m.row.time)
	}
	if err := o.emit(m); err != nil {
		return err
	}
	for len(o.waiting) > 0 && o.waiting[0].due <= o.count {
		if err := o.emitNext(&o.waiting); err != nil {
			return err
		}
	}
	for len(o.held) > 0 && o.held[0].due <= uint64(o.now) {
		if err := o.emitNext(&o.held); err != nil {
			return err
		}
	}
	return nil
}

func (o *outlet) emit(m parcel) error {
	o.count++
	if m.row != nil {
		m.row.seq = o.count
	}
	if o.count <= o.skip {
		return nil
	}
	for _, s := range o.sinks {
		if err := s.send(m.subject, m.body); err != nil {
			return err
		}
	}
	return nil
}

func (o *outlet) emitNext(q *delayed) error {
	return o.emit(heap.Pop(q).(lateMessage).parcel)
}

// later keeps a copy until so many others have passed, or the end.
func (o *outlet) later(others uint64, m parcel) { o.keep(&o.waiting, o.count+others, m) }

// until keeps a copy until an event of that time comes by, or the end.
func (o *outlet) until(time int64, m parcel) { o.keep(&o.held, uint64(time), m) }

func (o *outlet) keep(q *delayed, due uint64, m parcel) {
	o.order++
	m.body = bytes.Clone(m.body)
	heap.Push(q, lateMessage{due, o.order, m})
}

func (o *outlet) finish() error {
	for _, q := range []*delayed{&o.waiting, &o.held} {
		for len(*q) > 0 {
			if err := o.emitNext(q); err != nil {
				return err
			}
		}
	}
	return o.close()
}

// close leaves behind what waits still.
func (o *outlet) close() error {
	for _, s := range o.sinks {
		if err := s.close(o.count - min(o.skip, o.count)); err != nil {
			return err
		}
	}
	return nil
}

type lateMessage struct {
	due, order uint64
	parcel
}

type delayed []lateMessage

func (q delayed) Len() int { return len(q) }
func (q delayed) Less(i, j int) bool {
	return q[i].due < q[j].due || (q[i].due == q[j].due && q[i].order < q[j].order)
}
func (q delayed) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *delayed) Push(x any)   { *q = append(*q, x.(lateMessage)) }
func (q *delayed) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

// messageFile keeps the messages as pairs of length-prefixed strings, for
// comparisons of whole runs.
type messageFile struct {
	file *os.File
	out  *bufio.Writer
}

func newMessageFile(path string) (*messageFile, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &messageFile{file, bufio.NewWriterSize(file, 1<<20)}, nil
}

func (f *messageFile) send(subject string, body []byte) error {
	b := binary.AppendUvarint(f.out.AvailableBuffer(), uint64(len(subject)))
	b = append(b, subject...)
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, body...)
	_, err := f.out.Write(b)
	return err
}

func (f *messageFile) close(uint64) error {
	if err := f.out.Flush(); err != nil {
		return err
	}
	return f.file.Close()
}
